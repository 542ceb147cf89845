"""Tables of payments and of the gateways that they come through."""

from models.payments import collections as collections
from models.payments import connections as connections
from models.payments import events as events
from models.payments import links as links
from models.payments import payments as payments
from models.payments import tasks as tasks

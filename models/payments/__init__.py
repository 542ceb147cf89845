"""Tables of payments and of the gateways that they come through."""

from models.payments import connections as connections
from models.payments import payments as payments

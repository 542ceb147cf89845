"""Tables of subscriptions, their periods and test clocks."""

from models.subscriptions import add_ons as add_ons
from models.subscriptions import clocks as clocks
from models.subscriptions import subscriptions as subscriptions

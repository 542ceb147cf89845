"""Tables of what is told to others."""

from models.notifications import alerts as alerts
from models.notifications import emails as emails
from models.notifications import webhooks as webhooks

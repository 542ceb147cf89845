"""Tables of what is told to others."""

from models.notifications import webhooks as webhooks

"""Tables of usage events and roll-ups."""

from models.usage import events as events
from models.usage import groups as groups
from models.usage import rollups as rollups

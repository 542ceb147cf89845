"""The operator's choice whether an installation speaks to the world."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

WAITING: Final = "mails, webhooks, charges and top-ups"
"""What waits where nothing leaves, as people are told."""


class Outbound(StrEnum):
    """Mails, webhooks, charges and top-ups leave, or wait until they may."""

    ON = "on"
    OFF = "off"

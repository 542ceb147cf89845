"""Mails: why each is sent, how far it is, and the name that all tries of it share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.notifications.receivers import read_host

REPEATED: Final = timedelta(minutes=1)
"""How long asking for a mail again counts as a repeat, not as another mail."""

_LOCAL_PART: Final = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\]]{1,64}")
"""What stands before the @ where nothing needs quotes."""


class MailCause(StrEnum):
    """Why a mail is sent."""

    FINALIZED = "finalized"
    REQUESTED = "requested"
    CREDIT_NOTE = "credit_note"
    ENDPOINT_DISABLED = "endpoint_disabled"
    TEST = "test"
    REMINDER = "reminder"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105  (a cause, and no password)


class MailStatus(StrEnum):
    """How far a mail is. Source: CONTRACT section 6, Delivery."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


def key_of(cause: MailCause, about: UUID, *parts: str) -> str:
    """What no other mail has: its cause, what it is about, and what else makes it another one."""
    return ".".join((cause, str(about), *parts))


def message_id_of(key: str, sender: str) -> str:
    """The Message-ID of every try of a mail, by which a receiver knows one that comes twice.

    Worked example: ``<finalized.0190….@lumenworks.test>``.
    """
    return f"<{key}@{sender.rpartition('@')[2] or 'localhost'}>"


def mail_address(email: str) -> str | None:
    """The address as mail servers take it, its host in ASCII; None if no mail can be sent to it."""
    local, _, domain = email.strip().rpartition("@")
    is_dotted = not local.startswith(".") and not local.endswith(".") and ".." not in local
    if not (is_dotted and local.isprintable() and _LOCAL_PART.fullmatch(local)):
        return None
    try:
        return f"{local}@{read_host(domain)}"
    except (UnicodeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that an organization sends its mails by."""

    host: str
    port: int
    use_tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Between which addresses a mail goes, as :func:`mail_address` writes them."""

    sender: str
    recipient: str

    @property
    def is_ascii(self) -> bool:
        """Whether every server can read the addresses."""
        return f"{self.sender}{self.recipient}".isascii()

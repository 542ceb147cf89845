"""Mails as bytes (RFC 5322): the same mail is the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from billing.notifications.mails import Envelope
from services.documents.text import NOT_FOR_A_LINE

LONGEST_SUBJECT: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is sent. Names and the subject may be anything: they become one line each."""

    message_id: str
    written_at: datetime
    envelope: Envelope
    sender_name: str
    recipient_name: str
    reply_to: str | None
    language: str
    subject: str
    text: str
    html: str | None = None
    attachment: Attachment | None = None


def to_bytes(mail: Mail) -> bytes:
    """The mail as it is sent. Boundaries come from what is between them, never from chance."""
    policy = SMTP if mail.envelope.is_ascii else SMTPUTF8
    # Not every server says that it takes lines beyond ASCII, and none is asked.
    message = EmailMessage(policy=policy.clone(cte_type="7bit"))
    message["Message-ID"] = mail.message_id
    message["Date"] = format_datetime(mail.written_at)
    message["From"] = _address(mail.sender_name, mail.envelope.sender)
    message["To"] = _address(mail.recipient_name, mail.envelope.recipient)
    if mail.reply_to is not None:
        message["Reply-To"] = _address("", mail.reply_to)
    message["Subject"] = _on_one_line(mail.subject)[:LONGEST_SUBJECT]
    # No machine answers that somebody is away.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    if mail.attachment is not None:
        message.add_attachment(
            mail.attachment.content,
            maintype="application",
            subtype="pdf",
            filename=mail.attachment.name,
        )
    # Last, for what is said of the content goes along where it becomes a part.
    message["Content-Language"] = mail.language
    _set_boundaries(message, mail)
    return message.as_bytes()


def _set_boundaries(message: EmailMessage, mail: Mail) -> None:
    content = mail.attachment.content if mail.attachment else b""
    digest = sha256("\0".join((mail.message_id, mail.text, mail.html or "")).encode() + content)
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"={digest.hexdigest()[:40]}={number}")


def _address(name: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(display_name=_on_one_line(name), username=local, domain=domain)


def _on_one_line(words: str) -> str:
    """What a head may hold: an end of a line would begin another field."""
    return " ".join(NOT_FOR_A_LINE.sub(" ", words).split())

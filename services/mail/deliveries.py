"""Mails that are due, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.notifications.deliveries import Answer, Room
from billing.notifications.mails import Envelope, MailServer, MailStatus, mail_address
from repositories.notifications import due as stored_due
from repositories.notifications import emails as stored_emails
from repositories.notifications.due import MAILS
from repositories.notifications.emails import TakenMail
from repositories.transactions import Transactions
from services.accounts.credentials import Sealing, SecretKeyMissing
from services.accounts.settings import place_of_smtp_password

log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """The mail is not this process's any more: whoever has it says what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLetter:
    """A mail that is this process's to send. Without a server or an address it cannot be."""

    organization_id: UUID
    email_id: UUID
    attempts: int
    taken_until: datetime
    server: MailServer | None
    envelope: Envelope | None
    invoice_id: UUID | None = None
    """The invoice that it is about."""

    @property
    def receiver_id(self) -> UUID:
        """Whose server is to take it: that of the organization."""
        return self.organization_id


def take_due(
    transactions: Transactions, sealing: Sealing, room: Room, *, now: datetime
) -> list[MailLetter]:
    """Mails that are due, with their servers; for two minutes nobody else sends them."""
    taken = stored_due.take_due(transactions, MAILS, stored_emails.take, room, now=now)
    letters = [_address(one, sealing, until=now + MAILS.taken_for) for one in taken]
    return [letter for letter in letters if letter is not None]


def _address(taken: TakenMail, sealing: Sealing, *, until: datetime) -> MailLetter | None:
    """The mail with its server; None, and it waits, while the key to the password is away."""
    password = None
    if taken.sealed_password is not None:
        try:
            password = sealing.open(
                taken.sealed_password, place=place_of_smtp_password(taken.organization_id)
            )
        except SecretKeyMissing:
            log.exception("smtp_password_unreadable", organization_id=str(taken.organization_id))
            return None
    sender = mail_address(taken.sender or "")
    recipient = mail_address(taken.recipient or "")
    return MailLetter(
        organization_id=taken.organization_id,
        email_id=taken.id,
        invoice_id=taken.invoice_id,
        attempts=taken.attempts,
        taken_until=until,
        server=None
        if taken.host is None
        else MailServer(
            host=taken.host,
            port=taken.port,
            use_tls=taken.use_tls,
            username=taken.username,
            password=password,
        ),
        envelope=Envelope(sender=sender, recipient=recipient) if sender and recipient else None,
    )


def hold(session: Session, letter: MailLetter, *, now: datetime) -> None:
    """The mail is this process's for two more minutes, from now. Raises Overtaken."""
    is_held = stored_emails.hold(
        session,
        letter.organization_id,
        letter.email_id,
        attempts=letter.attempts,
        taken_until=letter.taken_until,
        until=now + MAILS.taken_for,
    )
    if not is_held:
        raise Overtaken


def settle(session: Session, letter: MailLetter, answer: Answer, *, now: datetime) -> None:
    """The mail is sent, or due again, or has failed for good.

    Idempotent by the number of tries: who sent it later than somebody else changes nothing.
    """
    email = stored_emails.lock_email(session, letter.organization_id, letter.email_id)
    if email is None or email.status != MailStatus.QUEUED or email.attempts != letter.attempts:
        return
    email.attempts += 1
    email.response_code, email.error = answer.response_code, answer.error
    email.next_attempt_at = answer.next_try_at(email.attempts, at=now)
    if answer.is_success:
        email.status, email.sent_at = MailStatus.SENT, now
    elif email.next_attempt_at is None:
        email.status = MailStatus.FAILED
        log.warning(
            "email_failed", organization_id=str(email.organization_id), email_id=str(email.id)
        )
    session.add(email)
    session.flush()

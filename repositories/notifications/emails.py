"""Mails: each one, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, exists, or_, text, tuple_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from billing.notifications.mails import MailCause, MailStatus
from models.customers import Customer
from models.invoicing.invoices import Invoice
from models.notifications.emails import Email
from repositories.outbox import CHANNEL
from repositories.pages import read_page
from repositories.statement_text import insert_of_rows, written_rows

QUEUED: Final = "email"
"""What the outbox's channel tells when mails were queued; a trigger does it for new ones."""

ABOUT_INVOICES: Final = (MailCause.FINALIZED, MailCause.REQUESTED)
"""The causes of mails of which a customer needs the last one alone."""

_INSERT: Final = text(
    f"{insert_of_rows(Email.metadata, 'email')} ON CONFLICT ON CONSTRAINT uq_email_key DO NOTHING"
)

_TAKE: Final = text(
    """
    UPDATE email AS taken SET next_attempt_at = :until
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:ids AS uuid[])) AS due(organization_id, id),
        organization AS sender
    WHERE taken.organization_id = due.organization_id AND taken.id = due.id
      AND sender.id = taken.organization_id
    RETURNING taken.organization_id, taken.id, taken.invoice_id, taken.attempts, taken.recipient,
        sender.smtp_host AS host, sender.smtp_port AS port, sender.smtp_use_tls AS use_tls,
        sender.smtp_username AS username, sender.sealed_smtp_password AS sealed_password,
        sender.smtp_from_email AS sender
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMail:
    """A mail that is this process's to send, with the server to send it by."""

    organization_id: UUID
    id: UUID
    invoice_id: UUID | None
    attempts: int
    recipient: str | None
    host: str | None
    port: int
    use_tls: bool
    username: str | None
    sealed_password: str | None
    sender: str | None


def insert_emails(session: Session, emails: Sequence[Email]) -> None:
    """Store mails by one statement; of those with one key the first counts."""
    if emails:
        session.flush()
        session.execute(_INSERT, {"rows": written_rows([one.model_dump() for one in emails])})


def take(session: Session, due: Sequence[tuple[UUID, UUID]], until: datetime) -> list[TakenMail]:
    """These mails are due again at ``until``, unless somebody says what became of them.

    The transaction names their organizations.
    """
    found = session.execute(
        _TAKE,
        {"organizations": [one[0] for one in due], "ids": [one[1] for one in due], "until": until},
    )
    return [TakenMail(**row) for row in found.mappings()]


def hold(
    session: Session,
    organization_id: UUID,
    email_id: UUID,
    *,
    attempts: int,
    taken_until: datetime,
    until: datetime,
) -> bool:
    """Whether the mail is still whose it was ``taken_until`` then; it is for longer now."""
    held = session.execute(
        update(Email)
        .where(
            col(Email.organization_id) == organization_id,
            col(Email.id) == email_id,
            col(Email.status) == MailStatus.QUEUED,
            col(Email.attempts) == attempts,
            col(Email.next_attempt_at) == taken_until,
        )
        .values(next_attempt_at=until)
        .returning(col(Email.id))
    )
    return held.first() is not None


def reschedule(
    session: Session, invoices: Sequence[tuple[UUID, UUID]], *, at: datetime, is_sooner: bool
) -> None:
    """Mails that nobody tried to send yet are due then, sooner or later than they were.

    ``invoices`` says what they are about, by organization and id. If sooner, the commit
    tells whoever sends.
    """
    due = col(Email.next_attempt_at)
    session.execute(
        update(Email)
        .where(
            tuple_(col(Email.organization_id), col(Email.invoice_id)).in_(invoices),
            col(Email.status) == MailStatus.QUEUED,
            col(Email.attempts) == 0,
            due > at if is_sooner else due < at,
        )
        .values(next_attempt_at=at)
    )
    if is_sooner:
        tell_of_queued(session)


def find_email(session: Session, organization_id: UUID, email_id: UUID) -> Email | None:
    """The mail, or None."""
    return session.get(Email, (organization_id, email_id))


def find_by_key(session: Session, organization_id: UUID, key: str) -> Email | None:
    """The mail of this key, or None."""
    return session.exec(
        select(Email).where(Email.organization_id == organization_id, Email.key == key)
    ).one_or_none()


def lock_email(session: Session, organization_id: UUID, email_id: UUID) -> Email | None:
    """The mail with its row locked, or None."""
    return session.exec(
        select(Email)
        .where(Email.organization_id == organization_id, Email.id == email_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def lock_failed(
    session: Session, organization_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[tuple[Email, str | None]]:
    """Failed mails behind one, oldest first, locked, each with its customer's address of now.

    Of several about one invoice the last; none of those that only try a server.
    """
    later = aliased(Email)
    replaced = exists().where(
        col(later.organization_id) == col(Email.organization_id),
        col(later.invoice_id) == col(Email.invoice_id),
        col(later.cause).in_(ABOUT_INVOICES),
        col(later.id) > col(Email.id),
    )
    statement = (
        select(Email, Customer.email)
        .outerjoin(
            Invoice,
            and_(
                col(Invoice.organization_id) == Email.organization_id,
                col(Invoice.id) == Email.invoice_id,
            ),
        )
        .outerjoin(
            Customer,
            and_(
                col(Customer.organization_id) == Email.organization_id,
                col(Customer.id) == Invoice.customer_id,
            ),
        )
        .where(
            Email.organization_id == organization_id,
            Email.status == MailStatus.FAILED,
            Email.cause != MailCause.TEST,
            or_(col(Email.cause).not_in(ABOUT_INVOICES), ~replaced),
        )
        .order_by(col(Email.id))
        .limit(limit)
        .with_for_update(of=Email)
        .execution_options(populate_existing=True)
    )
    if after is not None:
        statement = statement.where(col(Email.id) > after)
    return session.exec(statement).all()


def tell_of_queued(session: Session) -> None:
    """The commit tells whoever sends that mails which are not new are due."""
    session.execute(text("SELECT pg_notify(:channel, :told)"), {"channel": CHANNEL, "told": QUEUED})


def list_of_invoice(session: Session, organization_id: UUID, invoice_id: UUID) -> Sequence[Email]:
    """The mails about an invoice and its credit notes, oldest first."""
    return session.exec(
        select(Email)
        .where(Email.organization_id == organization_id, Email.invoice_id == invoice_id)
        .order_by(col(Email.created_at), col(Email.id))
    ).all()


def list_emails(
    session: Session, organization_id: UUID, *, status: str | None, offset: int, limit: int
) -> tuple[Sequence[Email], int]:
    """A page of mails, oldest first, and how many there are."""
    matching = select(Email).where(Email.organization_id == organization_id)
    if status is not None:
        matching = matching.where(Email.status == status)
    return read_page(session, matching, offset=offset, limit=limit)

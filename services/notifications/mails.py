"""Mails are queued in the transaction that makes what they tell true; a relay sends them later.

Source: CONTRACT 4.7, 4.9, 29, section 6 (Delivery). Without a server, or an address, a mail is a
row that says so, and nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.notifications.mails import (
    REPEATED,
    MailCause,
    MailStatus,
    key_of,
    mail_address,
    message_id_of,
)
from models.accounts.invitations import Invitation, PasswordReset
from models.accounts.organizations import Organization
from models.accounts.users import User
from models.base import new_id
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice
from models.notifications.emails import Email
from models.notifications.webhooks import WebhookEndpoint
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import users as stored_users
from repositories.notifications import emails as stored_emails
from repositories.transactions import name_organizations


def queue_final_invoices(session: Session, invoices: Sequence[Invoice], *, now: datetime) -> None:
    """Customers get the invoices that just became final, if their organization wants that.

    Idempotent by invoice.
    """
    stored_emails.insert_emails(
        session,
        [
            _about_invoice(session, organization, one, MailCause.FINALIZED, now=now)
            for one in invoices
            if (
                organization := stored_organizations.get_organization(session, one.organization_id)
            ).auto_email
        ],
    )


def queue_credit_note(
    session: Session, note: CreditNote, invoice: Invoice, *, now: datetime
) -> None:
    """The customer gets the credit note, if the organization wants that. Idempotent by note."""
    organization = stored_organizations.get_organization(session, note.organization_id)
    if organization.auto_email:
        cause = MailCause.CREDIT_NOTE
        queued = _about_invoice(
            session, organization, invoice, cause, str(note.id), credit_note_id=note.id, now=now
        )
        stored_emails.insert_emails(session, [queued])


def queue_reminder(session: Session, invoice: Invoice, *, day: int, now: datetime) -> None:
    """The customer is reminded of an invoice, so many days after it is due, or before.

    Idempotent by invoice and day.
    """
    organization = stored_organizations.get_organization(session, invoice.organization_id)
    cause = MailCause.REMINDER
    stored_emails.insert_emails(
        session, [_about_invoice(session, organization, invoice, cause, str(day), now=now)]
    )


def find_repeated(session: Session, invoice: Invoice, *, now: datetime) -> Email | None:
    """The mail of an invoice that waits or just went out: asking for it is asking once more."""
    return next((one for one in _asked_before(session, invoice) if _is_repeat(one, now=now)), None)


def queue_requested(session: Session, invoice: Invoice, *, was_draft: bool, now: datetime) -> Email:
    """The mail that somebody asked for.

    A draft that this request made final has its one mail of becoming so, whatever the organization
    wants of others. The caller holds the invoice's lock.
    """
    organization_id = invoice.organization_id
    organization = stored_organizations.get_organization(session, organization_id)
    if was_draft:
        wanted = _about_invoice(session, organization, invoice, MailCause.FINALIZED, now=now)
    else:
        cause = MailCause.REQUESTED
        earlier = _asked_before(session, invoice)
        number = str(sum(one.cause == cause for one in earlier) + 1)
        wanted = _about_invoice(session, organization, invoice, cause, number, now=now)
    stored_emails.insert_emails(session, [wanted])
    queued = stored_emails.find_by_key(session, organization_id, wanted.key)
    assert queued is not None
    return queued


def queue_test(session: Session, organization_id: UUID, recipient: str, *, now: datetime) -> Email:
    """A mail that says nothing but that mails arrive."""
    organization = stored_organizations.get_organization(session, organization_id)
    key = key_of(MailCause.TEST, new_id())
    queued = _new_email(organization, MailCause.TEST, key, recipient, now=now)
    session.add(queued)
    session.flush()
    return queued


def queue_disabled(session: Session, endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """The owners learn that an endpoint failed for days and is told of nothing any more.

    Of a sandbox those are the owners of the organization that it is the twin of.
    """
    organization_id = endpoint.organization_id
    organization = stored_organizations.get_organization(session, organization_id)
    people_of = organization.sandbox_of or organization_id
    if people_of != organization_id:
        name_organizations(session, [organization_id, people_of])
    cause = MailCause.ENDPOINT_DISABLED
    at = f"{now:%Y%m%dT%H%M%S}"
    stored_emails.insert_emails(
        session,
        [
            _new_email(
                organization,
                cause,
                key_of(cause, endpoint.id, at, str(person.id)),
                person.email,
                endpoint_id=endpoint.id,
                now=now,
            )
            for person in stored_users.list_with_role(session, people_of, "owner")
        ],
    )


def queue_invitation(session: Session, invitation: Invitation, *, now: datetime) -> Email:
    """Who is invited gets the link, once for each link that is made. Without a server it fails."""
    organization = stored_organizations.get_organization(session, invitation.organization_id)
    cause = MailCause.INVITATION
    key = key_of(cause, invitation.id, str(invitation.sent_count))
    queued = _new_email(
        organization, cause, key, invitation.email, invitation_id=invitation.id, now=now
    )
    session.add(queued)
    session.flush()
    return queued


def queue_password_reset(
    session: Session, reset: PasswordReset, user: User, *, now: datetime
) -> None:
    """Who may set a new password gets the link. Idempotent by the link."""
    organization = stored_organizations.get_organization(session, reset.organization_id)
    cause = MailCause.PASSWORD_RESET
    key = key_of(cause, reset.id)
    queued = _new_email(organization, cause, key, user.email, password_reset_id=reset.id, now=now)
    session.add(queued)
    session.flush()


def _asked_before(session: Session, invoice: Invoice) -> list[Email]:
    found = stored_emails.list_of_invoice(session, invoice.organization_id, invoice.id)
    return [one for one in found if one.cause in stored_emails.ABOUT_INVOICES]


def _is_repeat(earlier: Email, *, now: datetime) -> bool:
    """Whether asking now asks for the same mail again: it waits, or was sent just now."""
    return earlier.status == MailStatus.QUEUED or (
        earlier.sent_at is not None and now - earlier.sent_at < REPEATED
    )


def _about_invoice(
    session: Session,
    organization: Organization,
    invoice: Invoice,
    cause: MailCause,
    *parts: str,
    credit_note_id: UUID | None = None,
    now: datetime,
) -> Email:
    customer = stored_customers.find_customer(session, organization.id, invoice.customer_id)
    recipient = customer.email if customer is not None else None
    key = key_of(cause, invoice.id, *parts)
    return _new_email(
        organization,
        cause,
        key,
        recipient,
        invoice_id=invoice.id,
        credit_note_id=credit_note_id,
        now=now,
    )


def _new_email(
    organization: Organization,
    cause: MailCause,
    key: str,
    recipient: str | None,
    *,
    invoice_id: UUID | None = None,
    credit_note_id: UUID | None = None,
    endpoint_id: UUID | None = None,
    invitation_id: UUID | None = None,
    password_reset_id: UUID | None = None,
    now: datetime,
) -> Email:
    error = why_unsendable(organization, recipient)
    return Email(
        organization_id=organization.id,
        id=new_id(),
        cause=cause,
        key=key,
        message_id=message_id_of(key, mail_address(organization.smtp_from_email or "") or ""),
        recipient=recipient,
        status=MailStatus.QUEUED if error is None else MailStatus.FAILED,
        next_attempt_at=now if error is None else None,
        error=error,
        created_at=now,
        invoice_id=invoice_id,
        credit_note_id=credit_note_id,
        endpoint_id=endpoint_id,
        invitation_id=invitation_id,
        password_reset_id=password_reset_id,
    )


def why_unsendable(organization: Organization, recipient: str | None) -> str | None:
    """Why no mail can be sent, None if it can be tried."""
    needed = ("smtp_host", "smtp_from_email")
    missing = [name for name in needed if getattr(organization, name) is None]
    if missing:
        return f"Mails need a server: set {' and '.join(missing)} of the organization."
    if recipient is None:
        return "The customer has no email address."
    if mail_address(recipient) is None:
        return "This is no address that mails can be sent to."
    return None

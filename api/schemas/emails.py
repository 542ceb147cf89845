"""Mails and their templates on the wire (CONTRACT 4.9, section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import Email as Address
from api.schemas.common import Moment, Schema, View
from billing.invoicing.kinds import DocumentLanguage
from billing.notifications.mails import MailCause, MailStatus
from models.notifications.emails import Email, EmailTemplate
from services.mail.requests import Retried
from services.mail.templates import TemplateKind, Texts, default_texts, texts_in

SENT: str = "Invoice email sent successfully"


class EmailView(View):
    """A mail to one recipient, and what became of it."""

    id: UUID
    to: str | None
    """The address; null where the customer had none."""
    status: MailStatus
    """What became of it."""
    cause: MailCause
    """Why it was written."""
    attempts: int
    """How often it was tried."""
    response_code: int | None
    """What the mail server answered to the last try (SMTP); null before it answered."""
    error: str | None
    """Why the last try failed; null where none did."""
    next_attempt_at: Moment | None
    """When it is tried next; null where it is not tried again."""
    message_id: str
    """The `Message-ID` of the mail, which replies and reports refer to."""
    invoice_id: UUID | None
    """The invoice that it is about; null for mails about none."""
    credit_note_id: UUID | None
    """The credit note that it is about; null for mails about none."""
    endpoint_id: UUID | None
    """The webhook endpoint that it is about; null for mails about none."""
    created_at: Moment
    sent_at: Moment | None
    """When the mail server took it; null before."""


class SentView(View):
    """Whether the mail is on its way. What became of it, `GET /invoices/{id}/emails` says."""

    success: bool
    """Whether the mail is on its way."""
    message: str
    """What happened, in words."""
    payment_link: str | None
    """Where the customer pays; null while no gateway is connected, and once nothing is due."""


class RetriedView(View):
    """What became of failed mails: those that wait again, and those that still cannot be sent.

    Ask again with `after` until `next_after` is null.
    """

    queued: int
    """How many mails wait again."""
    unsendable: int
    """How many still cannot be sent."""
    next_after: UUID | None
    """What to send as `after` to go on; null where no failed mail is left."""


class EmailTest(Schema):
    """Where to send a test mail."""

    to: Address
    """Where to send it."""


class EmailTemplateWrite(Schema):
    """The three parts of a mail, each a template."""

    subject: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=300)] = Field(
        examples=["{{ title }} from {{ seller }}"]
    )
    """The template of the subject, one line. `{{ … }}` stands for what a mail is about."""
    text: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=20_000)]
    """The template of the plain text."""
    html: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=60_000)]
    """The template of the HTML."""

    def texts(self) -> Texts:
        """The parts."""
        return self.fill(Texts)


class EmailTemplateView(View, like=(EmailTemplateWrite,)):
    """What mails of a kind and a language say; ``updated_at`` is null where it is the default."""

    kind: TemplateKind
    """The kind of mails that it is for."""
    language: DocumentLanguage
    """The language that it is for."""
    subject: str
    text: str
    html: str
    is_default: bool
    """Whether it is what comes with the product."""
    updated_at: Moment | None
    """When it was written; null where it is the default."""


def view_email(email: Email) -> EmailView:
    """The mail as the API shows it."""
    shown = {name: getattr(email, name) for name in EmailView.model_fields if name != "to"}
    return EmailView(to=email.recipient, **shown)


def view_sent(email: Email, payment_link: str | None) -> SentView:
    """The answer to who asked for a mail, with where to pay. Source: CONTRACT 3.9, 4.9."""
    has_failed = email.status == MailStatus.FAILED
    return SentView(
        success=not has_failed,
        message=(email.error or "") if has_failed else SENT,
        payment_link=payment_link,
    )


def view_retried(retried: Retried) -> RetriedView:
    """What became of failed mails, as the API shows it."""
    return RetriedView(
        queued=retried.queued, unsendable=retried.unsendable, next_after=retried.following
    )


def view_template(
    kind: TemplateKind, language: DocumentLanguage, stored: EmailTemplate | None
) -> EmailTemplateView:
    """The template as the API shows it."""
    texts = default_texts(kind, language) if stored is None else texts_in(stored)
    return EmailTemplateView(
        kind=kind,
        language=language,
        subject=texts.subject,
        text=texts.text,
        html=texts.html,
        is_default=stored is None,
        updated_at=None if stored is None else stored.updated_at,
    )

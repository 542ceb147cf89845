"""From the row of a mail to its bytes, by the view that all documents are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import DocumentLanguage
from billing.notifications.mails import Envelope, MailCause, mail_address
from models.accounts.organizations import Organization
from models.notifications.emails import Email
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from repositories.notifications import emails as stored_emails
from repositories.notifications import endpoints as stored_endpoints
from repositories.transactions import Transactions
from services.accounts.credentials import Sealing
from services.documents.appearance.links import page_address
from services.documents.assembly import read_credit_note, read_invoice
from services.documents.pdf import render_pdf
from services.documents.summary import summarize
from services.documents.view import Document
from services.mail.account_texts import account_texts
from services.mail.deliveries import MailLetter, hold
from services.mail.messages import Attachment, Mail, to_bytes
from services.mail.rendering import Variables, render
from services.mail.templates import TemplateKind, Texts, phrases_in, texts_of
from services.portal.links import link_invoice

_NOT_FOR_A_FILE: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What a mail is made of, once the rows are read."""

    texts: Texts
    document: Document
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where invoices have pages, and what makes the token of one."""

    public_url: str
    new_token: Callable[[], str]


def compose(
    transactions: Transactions,
    letter: MailLetter,
    *,
    pages: Pages,
    sealing: Sealing,
    now: datetime,
) -> bytes:
    """The mail, read in a transaction and made after it. Same rows, same bytes.

    The invoice that it is about has a page from then on, and the mail says where. It is this
    process's for two minutes from now.

    Raises Overtaken if somebody else has the mail by now, NotFound if there is nothing to tell any
    more, Conflict ``invoice_void``, InvalidInput for a mail too long.
    """
    with transactions.for_organization(letter.organization_id) as session:
        hold(session, letter, now=now)
        email = stored_emails.find_email(session, letter.organization_id, letter.email_id)
        if email is None or letter.envelope is None:
            raise NotFound("There is no such mail.", code="email_not_found")
        organization = stored_organizations.get_organization(session, letter.organization_id)
        match MailCause(email.cause):
            case MailCause.ENDPOINT_DISABLED:
                make = partial(_plain_mail, *_disabled_texts(session, organization, email))
            case MailCause.TEST:
                make = partial(_plain_mail, *_test_texts(organization))
            case MailCause.INVITATION | MailCause.PASSWORD_RESET:
                texts = account_texts(
                    session,
                    organization,
                    email,
                    public_url=pages.public_url,
                    sealing=sealing,
                    now=now,
                )
                make = partial(_plain_mail, *texts)
            case _:
                make = partial(_document_mail, _read_content(session, email, pages))
    return to_bytes(make(email, organization, letter.envelope))


def _read_content(session: Session, email: Email, pages: Pages) -> _Content:
    assert email.invoice_id is not None
    invoice = stored_invoices.find_invoice(session, email.organization_id, email.invoice_id)
    is_reminder = email.cause == MailCause.REMINDER
    if invoice is not None and invoice.status == InvoiceStatus.VOID:
        raise Conflict("The invoice is void.", code="invoice_void")
    if invoice is not None and is_reminder and invoice.status == InvoiceStatus.PAID:
        raise Conflict("The invoice is paid.", code="invoice_paid")
    # First, for the document points to its page as well.
    link = _page_of(session, email, pages)
    if email.credit_note_id is not None:
        kind = TemplateKind.CREDIT_NOTE
        document = read_credit_note(session, email.organization_id, email.credit_note_id)
    else:
        kind = TemplateKind.REMINDER if is_reminder else TemplateKind.INVOICE
        document = read_invoice(
            session, email.organization_id, email.invoice_id, public_url=pages.public_url
        )
    texts = texts_of(session, email.organization_id, kind, document.language)
    return _Content(texts=texts, document=document, link=link)


def _page_of(session: Session, email: Email, pages: Pages) -> str:
    """Where the invoice is read, empty where the installation has no public address."""
    if email.invoice_id is None or page_address(pages.public_url, "") is None:
        return ""
    link = link_invoice(
        session,
        email.organization_id,
        email.invoice_id,
        new_token=pages.new_token,
        now=email.created_at,
    )
    return page_address(pages.public_url, link.token) or ""


def _document_mail(
    content: _Content, email: Email, organization: Organization, envelope: Envelope
) -> Mail:
    document = content.document
    variables = variables_of(document, link=content.link)
    name = _NOT_FOR_A_FILE.sub("-", document.number or "draft")
    return Mail(
        message_id=email.message_id,
        written_at=email.created_at,
        envelope=envelope,
        sender_name=organization.smtp_from_name or document.seller.name,
        recipient_name=document.buyer.name,
        reply_to=_reply_to(organization),
        language=document.language,
        subject=render(content.texts.subject, variables),
        text=render(content.texts.text, variables),
        html=render(content.texts.html, variables, is_html=True),
        attachment=Attachment(name=f"{name}.pdf", content=render_pdf(document)),
    )


def variables_of(document: Document, *, link: str = "") -> Variables:
    """What templates may say of a document, which is read at ``link``.

    Source: docs/operators/mail.md.
    """
    shown = summarize(document)
    return {
        "title": shown.title,
        "number": document.number or "",
        "headline": shown.headline,
        "seller": document.seller.name,
        "buyer": document.buyer.name,
        "total": shown.formats.money(document.total),
        "amount_due": shown.formats.money(document.amount_due),
        "issued_on": shown.formats.day(document.issued_at),
        "due_on": shown.formats.day(document.due_at) if document.due_at else "",
        "link": link,
        "payment_link": document.payment_link or "",
        "facts": shown.facts,
        "lines": shown.lines,
        "totals": shown.totals,
        "bank": shown.bank,
    }


def _plain_mail(
    subject: str, text: str, email: Email, organization: Organization, envelope: Envelope
) -> Mail:
    return Mail(
        message_id=email.message_id,
        written_at=email.created_at,
        envelope=envelope,
        sender_name=organization.smtp_from_name or organization.name,
        recipient_name="",
        reply_to=_reply_to(organization),
        language=organization.document_language,
        subject=subject,
        text=text,
    )


def _test_texts(organization: Organization) -> tuple[str, str]:
    phrases = phrases_in(organization.document_language)
    variables = {"seller": organization.legal_name or organization.name}
    return render(phrases["test_subject"], variables), render(phrases["test"], variables) + "\n"


def _disabled_texts(session: Session, organization: Organization, email: Email) -> tuple[str, str]:
    assert email.endpoint_id is not None
    endpoint = stored_endpoints.find_endpoint(session, organization.id, email.endpoint_id)
    phrases = phrases_in(DocumentLanguage(organization.document_language))
    variables = {"url": endpoint.url if endpoint else ""}
    return phrases["disabled_subject"], render(phrases["disabled"], variables) + "\n"


def _reply_to(organization: Organization) -> str | None:
    return mail_address(organization.smtp_reply_to or "")

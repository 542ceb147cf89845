"""From priced lines to a draft invoice: the fifth step of a bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing.invoices import InvoiceStatus, InvoiceTotals
from billing.invoicing.kinds import InvoiceKind, NumberAt
from billing.money import ZERO
from billing.rating.lines import PricedLine
from billing.subscriptions import PeriodStatus, change_period_status
from billing.timeline import Happening
from models.accounts.organizations import Organization
from models.base import new_id
from models.invoicing.invoices import Invoice, InvoiceReceipt
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.announcements import announce_drafts
from services.documents.contents import write_contents
from services.invoicing import composition
from services.invoicing.composition import Composing
from services.invoicing.numbers import assign_numbers
from services.rating import steps
from services.rating.steps import BillKey, FrozenUsage, Rated
from services.subscriptions import clocks

NewInvoice = tuple[Organization, Invoice, InvoiceTotals]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueBill:
    """A bill whose invoice is to be issued, when that was due, and the void one it replaces."""

    bill: BillKey
    due_at: datetime
    reissue_of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What a draft is written from."""

    due: DueBill
    at: datetime
    subscription: Subscription
    stored: SubscriptionPeriod
    organization: Organization
    rated: Rated


def issue_invoice(
    session: Session,
    bill: BillKey,
    *,
    due_at: datetime,
    now: datetime,
    reissue_of: UUID | None = None,
) -> Invoice:
    """As :func:`issue_invoices`, of one."""
    due = DueBill(bill=bill, due_at=due_at, reissue_of=reissue_of)
    [invoice] = issue_invoices(session, [due], now=now)
    return invoice


def issue_invoices(session: Session, due: Sequence[DueBill], *, now: datetime) -> list[Invoice]:
    """Each period has its draft, with number, lines, taxes and receipt; its grace has begun.

    Idempotent by (subscription, period, kind): a draft that exists is returned as it is.
    """
    locked = _lock_bills(session, [one.bill for one in due])
    invoices = stored_invoices.find_invoices_of_periods(session, [one.bill.key[:3] for one in due])
    fresh = [one for one in due if one.bill.key[:3] not in invoices]
    steps.confirm_runs(session, [one.bill for one in fresh])
    drafts = [_read_draft(session, one, *locked[one.bill], now=now) for one in fresh]
    for draft, invoice in zip(drafts, _write_drafts(session, drafts, now=now), strict=True):
        invoices[draft.due.bill.key[:3]] = invoice
        _record_drafted(session, draft, invoice, now=now)
    session.flush()
    return [invoices[one.bill.key[:3]] for one in due]


def _read_draft(
    session: Session,
    due: DueBill,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    *,
    now: datetime,
) -> _Draft:
    frozen, terms = steps.load_frozen(session, due.bill)
    return _Draft(
        due=due,
        at=clocks.acting_instant(session, subscription, due.due_at, now=now),
        subscription=subscription,
        stored=stored,
        organization=stored_organizations.get_organization(session, due.bill.organization_id),
        rated=Rated(
            terms=terms,
            frozen=frozen,
            lines=steps.load(session, due.bill, steps.EVIDENCE, tuple[PricedLine, ...]),
        ),
    )


def _write_drafts(session: Session, drafts: Sequence[_Draft], *, now: datetime) -> list[Invoice]:
    composing = [
        Composing(
            subscription=one.subscription,
            rated=one.rated,
            at=one.at,
            currency=one.rated.terms.currency,
            own_period=one.stored,
        )
        for one in drafts
    ]
    composed = composition.compose_bills(session, composing)
    added = []
    for one, bill in zip(drafts, composed, strict=True):
        invoice = new_invoice(
            one.organization,
            one.subscription.customer_id,
            bill.totals,
            kind=InvoiceKind.PERIOD,
            subscription=one.subscription,
            at=one.at,
            now=now,
        )
        show_period(invoice, one.stored, one.rated.frozen)
        grace = timedelta(minutes=one.organization.grace_period_minutes)
        invoice.scheduled_finalize_at = invoice.issue_date + grace
        invoice.reissue_of = one.due.reissue_of
        added.append((one.organization, invoice, bill.totals))
    add_invoices(session, added, now=now)
    invoices = [invoice for _, invoice, _ in added]
    for one, bill, invoice in zip(drafts, composed, invoices, strict=True):
        composition.hold_late_lines(session, one.subscription, invoice, bill)
        keep_receipt(session, one.due.bill, invoice, one.rated, now=now)
    return invoices


def _record_drafted(session: Session, draft: _Draft, invoice: Invoice, *, now: datetime) -> None:
    draft.stored.status = change_period_status(draft.stored.status, PeriodStatus.DRAFTED)
    draft.subscription.last_invoiced_date = draft.at
    session.add_all([draft.stored, draft.subscription])
    stored_actions.insert_action(
        session,
        draft.subscription,
        Happening.INVOICE_DRAFTED,
        at=draft.at,
        recorded_at=now,
        period_index=draft.stored.index,
        invoice_id=invoice.id,
    )


def new_invoice(
    organization: Organization,
    customer_id: UUID,
    totals: InvoiceTotals,
    *,
    kind: InvoiceKind,
    subscription: Subscription | None,
    at: datetime,
    now: datetime,
) -> Invoice:
    """An unpaid draft of ``at`` with its totals, due after the terms of payment; not stored yet.

    Its zone is the subscription's, else the organization's.
    """
    invoice = Invoice(
        organization_id=organization.id,
        id=new_id(),
        customer_id=customer_id,
        subscription_id=None if subscription is None else subscription.id,
        kind=kind,
        status=InvoiceStatus.DRAFT,
        currency=totals.currency,
        subtotal=ZERO,
        tax=ZERO,
        total=ZERO,
        amount_due=ZERO,
        amount_paid=ZERO,
        tax_status="",
        timezone=organization.timezone if subscription is None else subscription.timezone,
        issue_date=at,
        due_date=at + timedelta(days=organization.payment_terms_days),
        created_at=now,
    )
    set_totals(invoice, totals)
    return invoice


def add_invoices(session: Session, added: Sequence[NewInvoice], *, now: datetime) -> None:
    """The invoices are stored with lines and taxes, and with their numbers if they are due one."""
    assign_numbers(
        session,
        [
            (organization, invoice)
            for organization, invoice, _ in added
            if organization.number_at == NumberAt.DRAFT or invoice.status != InvoiceStatus.DRAFT
        ],
        now=now,
    )
    invoices = [invoice for _, invoice, _ in added]
    session.add_all(invoices)
    session.flush()
    write_contents(session, [(invoice, totals) for _, invoice, totals in added])
    announce_drafts(session, invoices, now=now)


def set_totals(invoice: Invoice, totals: InvoiceTotals) -> None:
    """Write the money side of an unpaid invoice."""
    invoice.subtotal = totals.subtotal
    invoice.tax = totals.tax
    invoice.total = totals.total
    invoice.amount_due = totals.amount_due
    invoice.tax_status = totals.tax_status
    invoice.carried_credit = totals.carried_credit
    invoice.granted_credit = totals.granted_credit
    invoice.coupons_total = totals.coupons_total
    invoice.credits_before_tax = totals.credits_before_tax
    invoice.credits_after_tax = totals.credits_after_tax
    invoice.draws_units = totals.draws_units
    invoice.has_true_ups = totals.has_true_ups


def keep_receipt(
    session: Session,
    bill: BillKey,
    invoice: Invoice,
    rated: Rated,
    *,
    now: datetime,
) -> None:
    """Remember what this revision of an invoice was computed from, as its steps have stored it."""
    frozen, runs = rated.frozen, steps.read_runs(session, [bill])[bill]
    session.add(
        InvoiceReceipt(
            organization_id=invoice.organization_id,
            invoice_id=invoice.id,
            revision=bill.revision,
            engine_version=frozen.engine,
            plan_version=frozen.plan_version,
            period_start=frozen.period.starts_at,
            period_end=frozen.period.ends_at,
            watermark=frozen.watermark,
            inputs_digest=runs[steps.USAGE].digest,
            lines_digest=runs[steps.EVIDENCE].digest,
            created_at=now,
        )
    )


def show_period(invoice: Invoice, stored: SubscriptionPeriod, frozen: FrozenUsage) -> None:
    """Say which bill of which period an invoice is."""
    invoice.period_index = stored.index
    invoice.revision = stored.revision
    invoice.plan_version = frozen.plan_version
    invoice.period_start = stored.starts_at
    invoice.period_end = stored.ends_at


def _lock_bills(
    session: Session, bills: Sequence[BillKey]
) -> dict[BillKey, tuple[Subscription, SubscriptionPeriod]]:
    subscriptions = stored_subscriptions.lock_subscriptions(
        session, {bill.key[:2] for bill in bills}
    )
    periods = stored_subscriptions.list_periods_by_key(session, [bill.key[:3] for bill in bills])
    if any(bill.key[:3] not in periods for bill in bills):
        raise NotFound("There is no such period to bill.", code="period_not_found")
    return {bill: (subscriptions[bill.key[:2]], periods[bill.key[:3]]) for bill in bills}

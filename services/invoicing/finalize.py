"""The end of a draft's grace and of a bill's payment terms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus, round_line, status_after_finalizing
from billing.invoicing.kinds import InvoiceKind
from billing.invoicing.plain_lines import credit_line
from billing.money import ZERO, exactly, find_currency
from billing.subscriptions import PeriodStatus, SubscriptionStatus, change_period_status
from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories import customer_accounts as stored_customer_accounts
from repositories.accounts import organizations as stored_organizations
from repositories.credits.wallets import CustomerKey, WalletKey
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.arrival_locks import lock_arrivals
from services import customer_accounts
from services.credits.ends import expire_in
from services.credits.spendable import last_presents, lock_wallets_of_customers
from services.documents.contents import add_line, priced_line_of
from services.documents.locks import lock_invoice, lock_invoices
from services.invoicing import composition, updating
from services.invoicing.issuing import freeze, issue, record_issued
from services.invoicing.late_settlement import give_back_to_grants
from services.invoicing.numbers import assign_numbers
from services.invoicing.prepaid.available import Totaling
from services.invoicing.updating import Updated
from services.required import not_found
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class DueInvoice:
    """A draft whose grace is to end, and when that was due."""

    organization_id: UUID
    invoice_id: UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Final:
    """An invoice that becomes final, at an instant, with its subscription if it has one."""

    invoice: Invoice
    subscription: Subscription | None
    at: datetime

    @property
    def account(self) -> tuple[UUID, UUID, str]:
        """What it takes credit from."""
        return self.invoice.organization_id, self.invoice.customer_id, self.invoice.currency


def finalize_due_invoices(session: Session, due: Sequence[DueInvoice], *, now: datetime) -> None:
    """Drafts whose grace is over are OPEN, or PAID where nothing is owed; their content is frozen.

    Idempotent by status. A draft whose grace was moved beyond ``due_at`` stays a draft, and one
    that was deleted meanwhile is not missed.
    """
    keys = [(one.organization_id, one.invoice_id) for one in due]
    locked = lock_invoices(session, keys)
    _finalize_locked(
        session,
        [
            (*locked[key], one.due_at)
            for key, one in zip(keys, due, strict=True)
            if key in locked and _is_due(locked[key][0], one.due_at)
        ],
        now=now,
    )


def _is_due(invoice: Invoice, due_at: datetime) -> bool:
    return invoice.scheduled_finalize_at is not None and invoice.scheduled_finalize_at <= due_at


def finalize_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> Invoice:
    """The draft is rated again if events arrived since, then OPEN, or PAID where nothing is owed.

    Idempotent: an OPEN invoice stays as it is (CONTRACT 56). Raises InvalidTransition otherwise.
    """
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    _finalize_locked(session, [(invoice, subscription, due_at)], now=now)
    return invoice


def _finalize_locked(
    session: Session,
    locked: Sequence[tuple[Invoice, Subscription | None, datetime]],
    *,
    now: datetime,
) -> None:
    finals = []
    for invoice, subscription, due_at in locked:
        if invoice.status != InvoiceStatus.DRAFT:
            status_after_finalizing(InvoiceStatus(invoice.status), invoice.payable)
            continue
        at = due_at
        if subscription is not None:
            at = clocks.acting_instant(session, subscription, due_at, now=now)
        finals.append(_Final(invoice=invoice, subscription=subscription, at=at))
    # What is on its way still counts; what comes after this finds the bills final.
    lock_arrivals(
        session,
        [
            (one.invoice.organization_id, one.subscription.customer_id)
            for one in finals
            if one.subscription is not None and one.invoice.period_index is not None
        ],
    )
    # Grants are drawn from before the account, so their wallets are locked before it.
    presents = last_presents((one.account[:2], one.at) for one in finals)
    wallets = lock_wallets_of_customers(session, presents, now=now)
    stored_customer_accounts.lock_accounts(session, {one.account for one in finals})
    # Of those that have their number as well, and before any number is drawn: else two groups
    # could each hold a chain that the other waits for.
    chains = {one.invoice.organization_id for one in finals}
    stored_receipts.lock_chains(session, chains, now=now)
    _give_back_to_grants(session, finals, {key[:2] for key in wallets}, now=now)
    # Coupons are of a customer in every currency.
    for apart in updating.in_rounds(finals, lambda one: one.account[:2]):
        _bring_up_to_date(session, apart, wallets, now=now)
        # All at once and in order; those of a later round have theirs then.
        _assign_numbers(session, finals, now=now)
        _finalize_apart(session, apart, now=now)
    expire_in(session, {key: presents[key[:2]] for key in wallets}, now=now)


def _give_back_to_grants(
    session: Session, finals: Sequence[_Final], having: Collection[CustomerKey], *, now: datetime
) -> None:
    drawing = [
        (one.subscription, one.invoice, one.at)
        for one in finals
        if one.subscription is not None and one.account[:2] in having
    ]
    for apart in updating.in_rounds(drawing, lambda one: one[0].id):
        give_back_to_grants(session, apart, now=now)


def _bring_up_to_date(
    session: Session,
    finals: Sequence[_Final],
    wallets: Collection[WalletKey],
    *,
    now: datetime,
) -> None:
    """Each says what it is to say, and shows the credit that it takes."""
    updating.bring_up_to_date(
        session,
        [
            Updated(invoice=one.invoice, subscription=one.subscription, at=one.at)
            for one in finals
            if one.subscription is not None and one.invoice.kind == InvoiceKind.PERIOD
        ],
        wallets=wallets,
        now=now,
    )
    for one in finals:
        is_written = one.subscription is None or one.invoice.kind != InvoiceKind.PERIOD
        if is_written or one.invoice.is_edited:
            _pay_written(session, one, wallets, now=now)


def _assign_numbers(session: Session, finals: Sequence[_Final], *, now: datetime) -> None:
    due = [one.invoice for one in finals if one.invoice.invoice_number is None]
    assign_numbers(
        session,
        [(stored_organizations.get_organization(session, one.organization_id), one) for one in due],
        now=now,
    )


def _finalize_apart(session: Session, finals: Sequence[_Final], *, now: datetime) -> None:
    """Invoices of different accounts are final."""
    # All that the invoice consists of is stored; what it is by becoming final is written once.
    session.flush()
    for one in finals:
        freeze(one.invoice, at=one.at)
    issue(session, [(one.invoice, one.at) for one in finals], now=now)
    for one in finals:
        if one.subscription is not None:
            _record_finalized(session, one.subscription, one.invoice, at=one.at, now=now)
    session.flush()


def mark_past_due(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """An OPEN invoice has passed its due date and so has its subscription (CONTRACT 24).

    Idempotent by the invoice's ``past_due_at``.
    """
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    if subscription is None:
        raise not_found("Invoice")
    if invoice.status != InvoiceStatus.OPEN or invoice.past_due_at or invoice.due_date > due_at:
        return
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    invoice.past_due_at = at
    session.add(invoice)
    if subscription.status == SubscriptionStatus.ACTIVE:
        subscription.status = SubscriptionStatus.PAST_DUE
        session.add(subscription)
    stored_actions.insert_action(
        session,
        subscription,
        Happening.PAST_DUE,
        at=at,
        recorded_at=now,
        period_index=invoice.period_index,
        invoice_id=invoice.id,
    )
    session.flush()


def _pay_written(
    session: Session, final: _Final, wallets: Collection[WalletKey], *, now: datetime
) -> None:
    """Let credit pay of an invoice that people wrote: prepaid first, then what is on the account.

    Its lines are used as it becomes final (CREDITS 9).
    """
    invoice = final.invoice
    if any(key[:2] == final.account[:2] for key in wallets):
        key = (invoice.organization_id, invoice.id)
        rows = stored_invoices.list_lines_by_key(session, [key])[key]
        written = Totaling(
            customer=composition.get_customer(session, key[0], invoice.customer_id),
            lines=[priced_line_of(row) for row in rows],
            currency=invoice.currency,
            at=final.at,
        )
        [totals] = composition.total_bills(session, [written], wallets=wallets)
        if totals.draws or invoice.is_drawn:
            updating.replace_contents(session, [(invoice, totals)], now=now)
            return
    _grant_credit(session, invoice)


@exactly
def _grant_credit(session: Session, invoice: Invoice) -> None:
    """Let an invoice that people wrote take the customer's credit, as its last line."""
    available = customer_accounts.available_credit(
        session, invoice.organization_id, invoice.customer_id, invoice.currency, lock=True
    )
    granted = min(available, invoice.total)
    if granted <= ZERO:
        return
    currency = find_currency(invoice.currency)
    add_line(session, invoice, round_line(credit_line(granted, currency), currency))
    invoice.subtotal -= granted
    invoice.total -= granted
    invoice.amount_due = invoice.total
    invoice.granted_credit = granted


def _record_finalized(
    session: Session, subscription: Subscription, invoice: Invoice, *, at: datetime, now: datetime
) -> None:
    if invoice.period_index is not None:
        stored = stored_subscriptions.find_period(
            session, invoice.organization_id, subscription.id, invoice.period_index
        )
        if stored is not None:
            stored.status = change_period_status(stored.status, PeriodStatus.FINAL)
            stored.parked_step = stored.parked_reason = None
            session.add(stored)
    record_issued(session, subscription, invoice, at=at, now=now)

"""Differences of final periods that settle alone, by documents of their own (CONTRACT 48, 84)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.corrections import PeriodCorrection
from billing.invoicing.kinds import CreditNoteKind, InvoiceKind, LateUsage
from billing.invoicing.own_words import CORRECTED_REASON
from billing.invoicing.true_ups import true_up_lines
from billing.money import ZERO, Currency, exactly, find_currency
from billing.rating.lines import CorrectedCharge, PricedLine
from billing.timeline import Happening
from models.invoicing.invoices import Invoice, InvoiceLine
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import plans as stored_plans
from repositories.credits.wallets import WalletKey
from repositories.invoicing import late_usage as stored_late_usage
from repositories.invoicing import term_progress as stored_terms
from repositories.invoicing.late_usage import MarksAsked
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.arrival_locks import lock_arrivals
from services import customer_accounts
from services.corrections import credit_notes as crediting
from services.corrections import late_usage as corrections
from services.corrections.credit_notes import CreditedLine
from services.corrections.shares import share_out
from services.credits.spendable import lock_wallets_of_customers
from services.invoicing import composition, drafts
from services.invoicing.commitments.asked import TermsAsked
from services.invoicing.commitments.open_terms import find_terms
from services.invoicing.issuing import freeze, issue
from services.invoicing.prepaid.available import Totaling
from services.invoicing.prepaid.evidence import keep_drawings
from services.required import require_subscription
from services.subscriptions import clocks


def settle_late_usage(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """The documents of every marked period say what it comes to now, and its mark is gone.

    Under ``credit_note_or_invoice`` charges that come to more have an invoice, those that come to
    less credit notes on the invoices that billed them. After the last invoice of a subscription
    that is over, ``next_invoice`` makes one invoice of both; below zero it leaves the rest on the
    customer's account. Under ``ignore`` nothing is said but what terms of commitments that ended
    lack, and what others say of periods without a bill. Idempotent: the marks go with it.
    """
    subscription = require_subscription(
        stored_subscriptions.lock_subscription(session, organization_id, subscription_id),
        may_be_deleted=True,
    )
    lock_arrivals(session, [(organization_id, subscription.customer_id)])
    organization = stored_organizations.get_organization(session, organization_id)
    ignores = organization.late_usage == LateUsage.IGNORE
    asked = MarksAsked(
        subscription=subscription, takes_free=True, ignores_usage=ignores, draft_id=None
    )
    [marked] = stored_late_usage.lock_marked_periods(session, [asked])
    ended = corrections.list_ended_terms(session, [subscription], lock=True)[subscription.id]
    if not marked and not ended:
        return
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    notes_less = organization.late_usage == LateUsage.CREDIT_NOTE_OR_INVOICE
    currency, wallets = _lock_account(session, subscription, at=at, now=now)
    lines, settled = _correct_all(session, subscription, marked, notes_less, at=at, now=now)
    corrected = frozenset({stored.index for stored in marked}.union(ended))
    terms = find_terms(session, TermsAsked(subscription=subscription, corrected=corrected))
    if lines or true_up_lines((), terms, currency):
        customer = composition.get_customer(session, organization_id, subscription.customer_id)
        totaling = Totaling(
            customer=customer, lines=lines, currency=currency.code, at=at, terms=terms
        )
        _invoice(session, subscription, totaling, wallets, now=now)
    corrections.settle(session, subscription, settled, currency, at=at, now=now)
    stored_terms.settle_ended_terms(session, subscription, ended)
    session.flush()


def _correct_all(
    session: Session,
    subscription: Subscription,
    marked: Sequence[SubscriptionPeriod],
    notes_less: bool,
    *,
    at: datetime,
    now: datetime,
) -> tuple[list[PricedLine], list[PeriodCorrection]]:
    """Credit what is less, and say the rest as lines: of what grants paid under every policy.

    With the lines come the corrections that are settled by these and the notes.
    """
    settled = [
        (stored, one)
        for stored in marked
        for one in corrections.correct(session, subscription, stored)
    ]
    lines = []
    for stored, correction in settled:
        left = _give_back(
            session, subscription, stored, correction, at=at, now=now, of_grants=not notes_less
        )
        line = corrections.describe(session, subscription, stored, left)
        if line is not None:
            lines.append(line)
    return lines, [one for _, one in settled]


def give_back_to_grants(
    session: Session,
    drafts_of: Sequence[tuple[Subscription, Invoice, datetime]],
    *,
    now: datetime,
) -> None:
    """What final periods come to less, of invoices that credit paid, is credited on those.

    So it goes back as they were paid, to grants and money, and what grants gave never becomes
    money on the customer's account; the draft that becomes final says the rest. The wallets are
    locked, and so is the subscription. Idempotent: what a note says is not said again.
    Source: CREDITS 17.
    """
    marks = stored_late_usage.lock_marked_periods(
        session,
        [
            corrections.ask_for_marks(session, subscription, draft)
            for subscription, draft, _ in drafts_of
        ],
    )
    for (subscription, _, at), marked in zip(drafts_of, marks, strict=True):
        for stored in marked:
            for one in corrections.correct(session, subscription, stored):
                _give_back(session, subscription, stored, one, at=at, now=now, of_grants=True)


def _lock_account(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> tuple[Currency, frozenset[WalletKey]]:
    """The subscription's currency, and the wallets that its customer has.

    They and the customer's account are locked before a number is drawn.
    """
    plan = stored_plans.find_plan(session, subscription.organization_id, subscription.plan_id)
    assert plan is not None
    account = (subscription.organization_id, subscription.customer_id, plan.currency)
    wallets = lock_wallets_of_customers(session, {account[:2]: at}, now=now)
    customer_accounts.available_credit(session, *account, lock=True)
    return find_currency(plan.currency), wallets


def _invoice(
    session: Session,
    subscription: Subscription,
    asked: Totaling,
    wallets: frozenset[WalletKey],
    *,
    now: datetime,
) -> None:
    organization = stored_organizations.get_organization(session, subscription.organization_id)
    at = asked.at
    [totals] = composition.total_bills(session, [asked], wallets=wallets)
    invoice = drafts.new_invoice(
        organization,
        asked.customer.id,
        totals,
        kind=InvoiceKind.LATE_USAGE,
        subscription=subscription,
        at=at,
        now=now,
    )
    freeze(invoice, at=at)
    drafts.add_invoices(session, [(organization, invoice, totals)], now=now)
    keep_drawings(session, [(invoice, totals)], now=now)
    issue(session, [(invoice, at)], now=now)
    stored_actions.insert_action(
        session,
        subscription,
        Happening.LATE_USAGE_SETTLED,
        at=at,
        recorded_at=now,
        invoice_id=invoice.id,
    )


@exactly
def _give_back(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    correction: PeriodCorrection,
    *,
    at: datetime,
    now: datetime,
    of_grants: bool = False,
) -> PeriodCorrection:
    """Credit the charges that come to less; the correction that is left has those with more.

    ``of_grants``: only on invoices that credit paid anything of.
    """
    given = ZERO
    rest: list[CorrectedCharge] = []
    credited: dict[UUID, dict[UUID, CreditedLine]] = {}
    for change in correction.charges:
        if change.amount > ZERO:
            rest.append(change)
            continue
        missing = -change.amount
        for row, amount in share_out(session, subscription, change, credited, of_grants=of_grants):
            _add(credited.setdefault(row.invoice_id, {}), row, change, amount)
            missing -= amount
        given += -change.amount - missing
        if missing > ZERO:
            rest.append(replace(change, amount=-missing))
    for invoice_id, lines in credited.items():
        _credit(session, subscription, stored, invoice_id, list(lines.values()), at=at, now=now)
    return replace(correction, charges=tuple(rest), billed=correction.billed - given)


def _add(
    lines: dict[UUID, CreditedLine], row: InvoiceLine, change: CorrectedCharge, amount: Decimal
) -> None:
    known = lines.get(row.id, CreditedLine(line_id=row.id, amount=ZERO, corrects=()))
    lines[row.id] = replace(
        known,
        amount=known.amount + amount,
        corrects=(*(known.corrects or ()), replace(change, amount=-amount)),
    )


def _credit(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    invoice_id: UUID,
    lines: Sequence[CreditedLine],
    *,
    at: datetime,
    now: datetime,
) -> None:
    crediting.credit_invoice(
        session,
        subscription.organization_id,
        invoice_id,
        lines,
        reason=CORRECTED_REASON,
        at=at,
        now=now,
        kind=CreditNoteKind.LATE_USAGE,
    )
    stored_actions.insert_action(
        session,
        subscription,
        Happening.LATE_USAGE_SETTLED,
        at=at,
        recorded_at=now,
        period_index=stored.index,
        invoice_id=invoice_id,
    )

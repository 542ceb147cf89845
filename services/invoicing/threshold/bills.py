"""The invoice of a running period whose unbilled amount has reached a threshold.

It bills the period so far as the period's last bill will, less what invoices billed of it before.
So tiers and allowances never begin anew, and all invoices of a period come to what one would have.
Source: CREDITS 24, docs/decisions/0084.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.kinds import InvoiceKind
from billing.money import ZERO, exactly
from billing.rating.frozen_usage import rate
from billing.rating.lines import PricedLine
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import corrections as stored_corrections
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.arrival_locks import lock_arrivals
from services import customer_accounts
from services.corrections.late_usage import taken_back_lines
from services.corrections.said import totals_of
from services.credits.spendable import lock_wallets_of_customers
from services.invoicing import composition, drafts
from services.invoicing.issuing import freeze, issue, record_issued
from services.invoicing.prepaid.available import Totaling
from services.invoicing.prepaid.evidence import keep_drawings
from services.rating import steps
from services.rating.records import BillKey, keep_all
from services.rating.steps import EVIDENCE, USAGE, Rated
from services.subscriptions import agenda, clocks, periods
from services.subscriptions.start import span_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A subscription with a threshold, its period that runs, and the present."""

    subscription: Subscription
    stored: SubscriptionPeriod
    threshold: Decimal
    at: datetime


def bill_if_reached(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Invoice | None:
    """The running period has an OPEN invoice of all that is not billed, if that is enough.

    First it only looks, and holds nobody up. What is reached is decided under the subscription's
    lock once more, with every event that arrived by then. Idempotent: what was billed is not
    unbilled. Of steps that are tried beside each other one is billed (``uq_invoice_threshold``).
    While a clock advances nothing is looked at.
    """
    subscription = stored_subscriptions.find_subscription(session, organization_id, subscription_id)
    running = _find_running(session, subscription, now=now)
    if running is None or not _is_reached(session, running, _look(session, running).lines):
        return None
    subscription = stored_subscriptions.lock_subscription(session, organization_id, subscription_id)
    running = _find_running(session, subscription, now=now)
    if running is None:
        return None
    # It was read before the lock.
    session.refresh(running.stored)
    lock_arrivals(session, [(organization_id, running.subscription.customer_id)])
    rated = _freeze(session, running)
    if not _is_reached(session, running, rated.lines):
        return None
    return _bill(session, running, rated, now=now)


@exactly
def find_unbilled(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    lines: tuple[PricedLine, ...],
) -> Decimal:
    """What the lines of a period so far come to beyond what documents billed of it, before tax.

    Units: major units of the currency. Below zero where less was used than was billed.
    """
    wanted = totals_of(lines)
    said = stored_corrections.list_said(session, subscription, stored.index)
    billed = (one.billed for one in said if one.unit is None)
    return sum(wanted.values(), ZERO) - sum(billed, ZERO)


def _find_running(
    session: Session, subscription: Subscription | None, *, now: datetime
) -> _Running | None:
    """What could be billed now; None where no period runs, or nobody set a threshold."""
    if subscription is None or subscription.deleted_at is not None:
        return None
    organization_id, test_clock_id = subscription.organization_id, subscription.test_clock_id
    threshold = subscription.threshold_amount
    if threshold is None or not clocks.is_still(session, organization_id, test_clock_id):
        return None
    stored = periods.find_open_period(session, subscription)
    at = clocks.present_of(session, organization_id, test_clock_id, now=now)
    # One that is over has its last bill soon.
    if stored is None or not stored.starts_at <= at < stored.ends_at:
        return None
    return _Running(subscription=subscription, stored=stored, threshold=threshold, at=at)


def _is_reached(session: Session, running: _Running, lines: tuple[PricedLine, ...]) -> bool:
    unbilled = find_unbilled(session, running.subscription, running.stored, lines)
    return unbilled >= running.threshold


def _look(session: Session, running: _Running) -> Rated:
    stored = running.stored
    found = steps.look_at_span(session, running.subscription, stored, span_of(stored))
    return _so_far(replace(found, frozen=replace(found.frozen, is_so_far=True)))


def _freeze(session: Session, running: _Running) -> Rated:
    """The usage so far, of which nothing arrives until the transaction ends."""
    stored = running.stored
    [billed] = steps.freeze_spans(session, [(running.subscription, stored, span_of(stored))])
    frozen = replace(billed.frozen, is_so_far=True)
    return _so_far(Rated(terms=billed.terms, frozen=frozen, lines=()))


def _so_far(rated: Rated) -> Rated:
    return replace(rated, lines=rate(rated.terms, rated.frozen))


def _bill(session: Session, running: _Running, rated: Rated, *, now: datetime) -> Invoice:
    subscription, stored, at = running.subscription, running.stored, running.at
    organization_id, customer_id = subscription.organization_id, subscription.customer_id
    customer = composition.get_customer(session, organization_id, customer_id)
    account = (organization_id, customer_id, rated.terms.currency)
    wallets = lock_wallets_of_customers(session, {account[:2]: at}, now=now)
    customer_accounts.available_credit(session, *account, lock=True)
    # What people have made void is a step all the same.
    stored.threshold_steps += 1
    session.add(stored)
    before = taken_back_lines(session, subscription, stored, rated.lines)
    asked = Totaling(
        customer=customer,
        lines=(*rated.lines, *before),
        currency=rated.terms.currency,
        at=at,
        rated=rated,
    )
    [totals] = composition.total_bills(session, [asked], wallets=wallets)
    organization = stored_organizations.get_organization(session, organization_id)
    invoice = drafts.new_invoice(
        organization,
        customer_id,
        totals,
        kind=InvoiceKind.THRESHOLD,
        subscription=subscription,
        at=at,
        now=now,
    )
    bill = _keep(session, stored, rated, now=now)
    drafts.show_period(invoice, stored, rated.frozen)
    invoice.revision = bill.revision
    freeze(invoice, at=at)
    drafts.add_invoices(session, [(organization, invoice, totals)], now=now)
    drafts.keep_receipt(session, bill, invoice, rated, now=now)
    keep_drawings(session, [(invoice, totals)], now=now)
    issue(session, [(invoice, at)], now=now)
    record_issued(session, subscription, invoice, at=at, now=now)
    # The workflow learns when it is due.
    agenda.wake_workflow(session, subscription, now=now)
    session.flush()
    return invoice


def _keep(session: Session, stored: SubscriptionPeriod, rated: Rated, *, now: datetime) -> BillKey:
    """What the step was computed from and to, apart from what bills of the whole period keep."""
    bill = replace(BillKey.of(stored), revision=-stored.threshold_steps)
    keep_all(session, USAGE, {bill: rated.frozen}, now=now)
    keep_all(session, EVIDENCE, {bill: rated.lines}, now=now)
    return bill

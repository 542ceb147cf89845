"""Credit that recurs is granted, or sold, as its time comes: by workflows, and by the hourly check.

What is given is there without either (:mod:`services.credits.recurring.occurrences`). What is sold
is an invoice for each time, which nobody can have paid before it is made. Source: CREDITS 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.credits.grants import GrantKind
from billing.errors import BillingError
from models.credits.grant_rules import CreditGrantRule
from models.customers import Customer
from repositories.credits import grant_rules as stored_rules
from repositories.credits import wallets as stored_wallets
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.credits import posting
from services.credits.recurring import occurrences, rules
from services.credits.recurring.rules import NewGrantRule
from services.credits.standing import find_customer
from services.purchases.buying import sell_row
from services.required import require_subscription
from services.subscriptions import clocks

log = structlog.get_logger(__name__)


def create_rule(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: NewGrantRule,
    *,
    now: datetime,
) -> CreditGrantRule:
    """As :func:`services.credits.recurring.rules.create_rule`; what it sells by now is sold."""
    rule = rules.create_rule(session, organization_id, customer_id, command, now=now)
    if rule.kind == GrantKind.PAID:
        customer = find_customer(session, organization_id, customer_id)
        at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
        _sell_due(session, customer, rule, at=at, now=now)
    return rule


def end_rule(
    session: Session, organization_id: UUID, customer_id: UUID, rule_id: UUID, *, now: datetime
) -> None:
    """As :func:`services.credits.recurring.rules.end_rule`; what was to be sold by now is sold.

    Nobody need have run since it was due. Raises Conflict ``test_clock_advancing`` for a rule that
    sells: what it sells on the way has dates of its own, and its workflow is at it.
    """
    customer = find_customer(session, organization_id, customer_id)
    found = rules.require_rule(session, organization_id, customer_id, rule_id)
    if found.kind == GrantKind.PAID and found.ended_at is None:
        clocks.require_still(session, organization_id, customer.test_clock_id)
    unit = found.unit
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    key = (organization_id, customer_id, unit)
    posting.lock_wallet(session, key, at=at, now=now)
    for rule in stored_rules.list_due(session, [key], kind=GrantKind.PAID, at=at):
        if rule.id == rule_id:
            _sell_or_end(session, customer, rule, at=at, now=now)
    rules.end_rule(session, organization_id, customer_id, rule_id, now=now)


def grant_due(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """The subscription's customer has what recurs by then. Idempotent by rule and number.

    On a test clock that is the due instant, also while the clock is on its way to a later one: what
    is sold has its own dates (CONTRACT 49). Raises NotFound.
    """
    found = stored_subscriptions.find_subscription(session, organization_id, subscription_id)
    subscription = require_subscription(found, may_be_deleted=True)
    customer = find_customer(
        session, organization_id, subscription.customer_id, may_be_deleted=True
    )
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    # Of two machines' clocks the one that woke the workflow may be ahead.
    _grant(session, customer, at=max(at, due_at), now=now)


def list_due_customers(
    session: Session, organization_id: UUID, *, limit: int, now: datetime
) -> Sequence[UUID]:
    """Whom :func:`grant_to` would grant something, in order."""
    return stored_rules.list_due_customers(session, organization_id, now=now, limit=limit)


def grant_to(session: Session, organization_id: UUID, customer_id: UUID, *, now: datetime) -> None:
    """The customer has what recurs by then. Idempotent by rule and number. Raises NotFound.

    Of one customer in a transaction: a sale has the chain of receipts until it is committed, and
    another customer's wallets are to be locked before that.
    """
    customer = find_customer(session, organization_id, customer_id, may_be_deleted=True)
    at = clocks.standing_of(session, organization_id, customer.test_clock_id, now=now)
    _grant(session, customer, at=at, now=now)


def _grant(session: Session, customer: Customer, *, at: datetime, now: datetime) -> None:
    wallets = stored_rules.list_due_wallets(session, customer.organization_id, customer.id, at=at)
    for key in stored_wallets.lock_wallets(session, wallets):
        if customer.deleted_at is not None:
            rules.end_due(session, key, because=rules.CUSTOMER_DELETED, at=at, now=now)
            continue
        occurrences.store_due(session, key, at=at, now=now)
        for rule in stored_rules.list_due(session, [key], kind=GrantKind.PAID, at=at):
            _sell_or_end(session, customer, rule, at=at, now=now)


def _sell_or_end(
    session: Session, customer: Customer, rule: CreditGrantRule, *, at: datetime, now: datetime
) -> None:
    """As :func:`_sell_due`; a rule whose credit cannot be sold is over, and says why."""
    try:
        with session.begin_nested():
            _sell_due(session, customer, rule, at=at, now=now)
    except BillingError as refused:
        log.warning("grant_rule_ended", rule_id=str(rule.id), code=refused.code)
        rules.end(session, rule, because=refused.code, at=at, now=now)


def _sell_due(
    session: Session, customer: Customer, rule: CreditGrantRule, *, at: datetime, now: datetime
) -> None:
    """What the rule sells by that instant is sold, but nothing that is over by then."""
    for one in occurrences.recurrence_of(rule).sold(rule.made, at):
        row = occurrences.grant_of(rule, one, now=now)
        sell_row(session, customer, row, at=at, now=now)
    occurrences.move_on(rule, at=at)
    stored_rules.insert(session, rule)

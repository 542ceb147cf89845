"""A try to top credit up: one purchase that closes the whole gap, within the caps of its rule.

It is an invoice like any other: its payment workflow charges the saved method, looks up what became
of that before it asks again, and the end of it settles the try. Source: CREDITS 21.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.credits.grants import Spendable
from billing.credits.top_ups import TopUpStatus, next_try_at
from billing.errors import BillingError
from billing.money import ZERO, exactly
from billing.periods import local_date, start_of_day
from models.base import new_id
from models.credits.top_ups import CreditTopUp, CreditTopUpRule
from models.customers import Customer
from repositories import customers as stored_customers
from repositories import outbox as stored_outbox
from repositories.accounts import organizations as stored_organizations
from repositories.credits import top_ups as stored_top_ups
from repositories.payments import payments as stored_payments
from repositories.transactions import Transactions, name_organizations
from services.audit_log import record
from services.credits import balances, posting, top_ups
from services.credits.grants import NewGrant, Sold
from services.documents.locks import lock_invoice
from services.payments import receivables
from services.payments.methods import find_usable_method
from services.purchases.buying import sell
from services.rating.accruing import find_accruing
from services.subscriptions import clocks

log = structlog.get_logger(__name__)

REASON: Final = "Automatic top-up"
STUCK_AFTER: Final = timedelta(minutes=30)
"""So long a try may be open that asks no gateway: its connection was deleted, or its method."""


def look_at_next(transactions: Transactions, *, now: datetime) -> bool:
    """The rule that was asked to be looked at first is; whether there may be more.

    Several processes share the work. One that cannot be looked at waits a little, and keeps no
    other from it.
    """
    kind = stored_top_ups.MESSAGE
    with transactions.looking_up(stored_outbox.LOOKUP, kind) as session:
        due = stored_outbox.lock_due_messages(session, kind, now=now, limit=1)
        if not due:
            return False
        [message] = due
        name_organizations(session, [message.organization_id])
        try:
            with session.begin_nested():
                consider(
                    session,
                    message.organization_id,
                    UUID(message.payload["rule_id"]),
                    now=now,
                )
        except BillingError as error:
            log.warning("top_up_postponed", key=message.key, code=error.code)
            wait = timedelta(seconds=min(3600, 2**message.attempts))
            stored_outbox.postpone(session, message.organization_id, message.id, until=now + wait)
            return True
        # Only now, with the wallet's lock: whoever posts to it finds this message, or none.
        session.delete(message)
    return True


def consider(
    session: Session, organization_id: UUID, rule_id: UUID, *, now: datetime
) -> CreditTopUp | None:
    """A try is made if too little is available and nothing forbids it; None if none is.

    What forbids it: one that is open, a decline a short while ago, the caps, no saved method.
    Idempotent by the rule and the number of the try.
    """
    found = stored_top_ups.find_rule(session, organization_id, rule_id)
    if found is None:
        return None
    key = (organization_id, found.customer_id, found.unit)
    _give_up_stuck(session, stored_top_ups.find_open(session, key), now=now)
    customer = stored_customers.find_customer(session, organization_id, found.customer_id)
    if customer is None or customer.deleted_at is not None:
        return None
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    posting.lock_wallet(session, key, at=at, now=now)
    rule = stored_top_ups.lock_rule(session, organization_id, rule_id)
    if rule is None or not _is_free(session, rule, at=at):
        return None
    amount = _amount_for(session, rule, at=at, now=now)
    if amount == ZERO or find_usable_method(session, organization_id, customer.id) is None:
        return None
    return _try(session, customer, rule, amount, at=at, now=now)


def _try(
    session: Session,
    customer: Customer,
    rule: CreditTopUpRule,
    amount: Decimal,
    *,
    at: datetime,
    now: datetime,
) -> CreditTopUp:
    """The purchase is an open invoice, which its workflow collects, and the try is a row."""
    cost = top_ups.terms_of(session, rule).cost_of(amount)
    command = NewGrant(unit=rule.unit, amount=amount, reason=REASON)
    sold = Sold(cost=cost, spendable=Spendable.ON_PAYMENT)
    grant = sell(session, customer, command, sold, now=now)
    assert grant.invoice_id is not None
    rule.tries += 1
    made = CreditTopUp(
        organization_id=rule.organization_id,
        id=new_id(),
        rule_id=rule.id,
        number=rule.tries,
        customer_id=customer.id,
        unit=rule.unit,
        amount=amount,
        status=TopUpStatus.OPEN,
        at=at,
        grant_id=grant.id,
        invoice_id=grant.invoice_id,
        created_at=now,
    )
    stored_top_ups.insert(session, rule)
    stored_top_ups.insert(session, made)
    after = {"rule_id": rule.id, "number": made.number, "amount": amount, "unit": rule.unit}
    record(session, rule.organization_id, "top_up.tried", "top_up", made.id, after=after, now=now)
    return made


def _is_free(session: Session, rule: CreditTopUpRule, *, at: datetime) -> bool:
    """Whether the rule is on, no try of the wallet is open, and no decline is to be waited for."""
    key = (rule.organization_id, rule.customer_id, rule.unit)
    if not rule.enabled or stored_top_ups.find_open(session, key) is not None:
        return False
    declines, declined_at = stored_top_ups.find_declines(session, rule)
    if declined_at is None:
        return True
    due_at = next_try_at(declined_at, declines=declines)
    return due_at is not None and due_at <= at


@exactly
def _amount_for(session: Session, rule: CreditTopUpRule, *, at: datetime, now: datetime) -> Decimal:
    """What is missing, in whole steps, as far as the caps of this day and month leave room."""
    organization = stored_organizations.get_organization(session, rule.organization_id)
    today = local_date(at, organization.timezone)
    spent = stored_top_ups.find_spent(
        session,
        rule.organization_id,
        rule.id,
        day=start_of_day(today, organization.timezone),
        month=start_of_day(today.replace(day=1), organization.timezone),
    )
    if spent.day_count >= rule.max_count_day or spent.month_count >= rule.max_count_month:
        return ZERO
    left = min(rule.max_amount_day - spent.day_amount, rule.max_amount_month - spent.month_amount)
    balance = balances.read_balance(
        session,
        rule.organization_id,
        rule.customer_id,
        rule.unit,
        at=None,
        look_at_accruing=find_accruing,
        now=now,
    )
    return top_ups.terms_of(session, rule).amount_for(balance.available, left=left)


def _give_up_stuck(session: Session, made: CreditTopUp | None, *, now: datetime) -> None:
    """A try has failed that no gateway was asked about, and that none will be."""
    if made is None or now - made.created_at < STUCK_AFTER:
        return
    charge = stored_payments.find_charge(session, made.organization_id, made.invoice_id)
    if charge is not None:
        return
    invoice, _ = lock_invoice(session, made.organization_id, made.invoice_id)
    receivables.fail_top_up(session, invoice, at=made.at, now=now)

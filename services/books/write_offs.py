"""What a customer owes on no invoice is given up: bad debt, which they owe all the same.

What an invoice is due is written off with its status. Source: docs/decisions/0053.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.money import ZERO, find_currency
from billing.payments.amounts import require_amount
from models.base import new_id
from repositories import customer_accounts as stored_customer_accounts
from repositories import customers as stored_customers
from repositories.payments import owed as stored_owed
from services import customer_accounts
from services.audit_log import record
from services.payments.repeats import is_recent
from services.required import require_customer
from services.subscriptions import clocks


def write_off_owed(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    currency: str,
    amount: Decimal | None,
    *,
    note: str | None = None,
    now: datetime,
) -> None:
    """Part of what the customer owes on no invoice, or all of it, is bad debt.

    The next credit is taken for it all the same, as a recovery. The same amount within a minute is
    a repeat. Raises NotFound, InvalidInput for what is no amount of the currency, Conflict
    ``nothing_owed``, ``write_off_exceeds_owed``.
    """
    known = find_currency(currency)
    if amount is not None:
        require_amount(amount, known)
    found = stored_customers.find_customer(session, organization_id, customer_id)
    customer = require_customer(found, may_be_deleted=True)
    key = (organization_id, customer_id, known.code)
    stored_customer_accounts.lock_accounts(session, [key])
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    owed = stored_owed.get_owed(session, key).amount
    if _is_repeat(session, key, amount, owed, at=at, now=now):
        return
    wanted = owed if amount is None else amount
    if owed == ZERO:
        raise Conflict(f"The customer owes no {known.code} on their account.", code="nothing_owed")
    if wanted > owed:
        raise Conflict(
            f"{known.round(owed)} is owed.", code="write_off_exceeds_owed", field="amount"
        )
    customer_accounts.write_off_owed(session, key, wanted, key=str(new_id()), at=at, now=now)
    record(
        session,
        organization_id,
        "customer_account.written_off",
        "customer",
        customer_id,
        after={"amount": wanted, "currency": known.code, "note": note},
        now=now,
    )


def _is_repeat(
    session: Session,
    key: stored_customer_accounts.AccountKey,
    amount: Decimal | None,
    owed: Decimal,
    *,
    at: datetime,
    now: datetime,
) -> bool:
    """Whether the same was done less than a minute ago; all of it repeats what left nothing."""
    last = stored_owed.find_last_write_off(session, key)
    if last is None or not is_recent(last.created_at, last.at, at=at, now=now):
        return False
    return owed == ZERO if amount is None else last.amount == amount

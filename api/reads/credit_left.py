"""Whether credit is left, for readers that do not stand in a thread of their own."""

from __future__ import annotations

from functools import partial

from starlette.concurrency import run_in_threadpool

from repositories.transactions import Transactions
from services.entitlements import credit
from services.entitlements.credit import CapQuestion, CreditQuestion


async def has_credit(transactions: Transactions, question: CreditQuestion | CapQuestion) -> bool:
    """As :func:`services.entitlements.credit.has_credit`, in a transaction of its own."""
    return await run_in_threadpool(partial(_look, transactions, question))


def _look(transactions: Transactions, question: CreditQuestion | CapQuestion) -> bool:
    with transactions.for_organization(question.organization_id) as session:
        return credit.has_credit(session, question)

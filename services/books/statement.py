"""A customer's account as a statement: balances, and postings with the balance after each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.books.chart import PostingKind, other_side
from repositories import customers as stored_customers
from repositories.books import statement as stored_statement
from repositories.books.statement import Balance, PostedFacts
from services.required import require_customer

FIRST: Final = ("", 0)
"""Before every posting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A posting, and the account that has as much less."""

    facts: PostedFacts
    other_side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A part of a customer's account; ``next_after`` is None where it ends."""

    balances: Sequence[Balance]
    postings: Sequence[Posted]
    next_after: tuple[str, int] | None


def read_statement(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    currency: str | None = None,
    after: tuple[str, int] = FIRST,
    limit: int,
) -> Statement:
    """The customer's account, or that of one currency, from the newest posting on.

    Raises NotFound.
    """
    require_customer(stored_customers.find_customer(session, organization_id, customer_id))
    found = stored_statement.list_postings(
        session, organization_id, customer_id, currency=currency, after=after, limit=limit + 1
    )
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return Statement(
        balances=stored_statement.list_balances(
            session, organization_id, customer_id, currency=currency
        ),
        postings=[_posted(one) for one in shown],
        next_after=None if last is None else (last.currency, last.sequence),
    )


def _posted(facts: PostedFacts) -> Posted:
    return Posted(facts=facts, other_side=other_side(PostingKind(facts.kind), facts.provider))

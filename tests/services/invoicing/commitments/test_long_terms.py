"""Bills read the periods of the terms that they settle, however old the subscription is.

*Source: CREDITS 22, docs/decisions/0082.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import Session

from billing.commitments.calendar import CommittedPeriod, terms_of
from models.subscriptions.subscriptions import SubscriptionPeriod
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.catalog import commitments, versions
from services.invoicing.commitments.near_periods import find_near
from services.rating.frozen_usage import regular_of
from tests.services.invoicing.bills import bill_at, pass_to
from tests.services.invoicing.commitments.committed import begin, commit
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop


def month(number: int, day: int = 1) -> datetime:
    return datetime(2025 + number // 12, number % 12 + 1, day, 2, tzinfo=UTC)


def near(life: Life, *touched: int) -> list[int]:
    """The periods that a bill reads which says something of these."""

    def find(session: Session, _organization_id: UUID) -> list[int]:
        found = find_near(session, life.row(), touched, known={})
        return [one.index for one in found.periods]

    return life.shop.read(find)


def test_a_bill_reads_the_periods_since_its_term_began(shop: Shop) -> None:
    life = begin(shop, "300", term_periods=3)

    pass_to(life, month(8))

    assert near(life, 7) == [6, 7, 8]
    assert near(life, 6) == [6, 7, 8]
    assert near(life, 5) == [3, 4, 5, 6, 7, 8]


def test_a_plan_without_commitments_makes_bills_read_none(shop: Shop) -> None:
    life = begin_life(shop)

    assert near(life, 0) == []


def test_a_term_begins_where_the_calendar_says_it_does(shop: Shop) -> None:
    """Parts, a commitment that ended within a term, and one that came after it."""
    life = begin_life(shop)
    pass_to(life, month(1))
    first = commit(life, "300", term_periods=3)
    bill_at(life, month(2, 11))
    bill_at(life, month(2, 21))
    bill_at(life, month(4, 11))
    pass_to(life, month(5))
    shop.do(commitments.end_commitment, life.row().plan_id, first)
    pass_to(life, month(6))
    second = commit(life, "100", term_periods=2)
    bill_at(life, month(7, 11))
    pass_to(life, month(10))

    periods = calendar(life)
    met = [
        (term.indexes[0], near(life, index))
        for commitment_id, term_periods in ((first, 3), (second, 2))
        for term in terms_of(periods, commitment_id, term_periods, is_last=False)
        for index in term.indexes
    ]
    assert len(met) == len([one for one in periods if one.commitment_ids])
    for begin_of_term, read in met:
        assert read == list(range(begin_of_term, len(periods)))


def calendar(life: Life) -> list[CommittedPeriod]:
    """All periods that there are, with the commitments that bill each."""
    stored = life.shop.read(stored_subscriptions.list_periods, life.subscription_id)
    return [committed(life, one) for one in stored]


def committed(life: Life, stored: SubscriptionPeriod) -> CommittedPeriod:
    terms = life.shop.read(versions.get_terms, stored.plan_id, stored.plan_version)
    regular = regular_of(life.row(), stored)
    return CommittedPeriod(
        index=stored.index,
        regular=regular,
        ends_regular=stored.ends_at == regular.ends_at,
        commitment_ids=frozenset(one.commitment_id for one in terms.commitments),
    )

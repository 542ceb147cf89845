"""Where a term of a commitment begins among the periods of a subscription."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.subscriptions.subscriptions import SubscriptionPeriod
from repositories.row_keys import SubscriptionKey

VersionKey = tuple[UUID, int]
"""Plan and version."""

FIND_BEGIN = text(
    """
    -- Terms are counted from where a commitment began to be billed without a break, each of so many
    -- regular periods, whole or in parts. The same is said by ``billing.commitments.calendar``;
    -- tests/services/invoicing/commitments/test_long_terms.py compares them.
    WITH before AS (
        SELECT * FROM subscription_period
        WHERE organization_id = :organization_id AND subscription_id = :subscription_id
            AND index <= :index
    ), numbered AS (
        SELECT index, dense_rank() OVER (
            ORDER BY regular_starts_at NULLS FIRST, regular_ends_at,
                -- Old rows do not say what they are a part of, but the number of that.
                CASE WHEN regular_starts_at IS NULL THEN anchor_at END,
                CASE WHEN regular_starts_at IS NULL THEN ordinal END
        ) - 1 AS number
        FROM before
        WHERE index > coalesce((
            SELECT max(index) FROM before WHERE (plan_id, plan_version) NOT IN (
                SELECT * FROM unnest(CAST(:plans AS uuid[]), CAST(:versions AS integer[]))
            )
        ), -1)
    )
    SELECT min(index) FROM numbered
    WHERE number >= (SELECT max(number) FROM numbered) / :term_periods * :term_periods
    """
)


def list_versions(session: Session, key: SubscriptionKey) -> set[VersionKey]:
    """The versions that bill, or billed, the periods of a subscription."""
    found = session.exec(
        select(SubscriptionPeriod.plan_id, SubscriptionPeriod.plan_version)
        .where(
            SubscriptionPeriod.organization_id == key[0],
            SubscriptionPeriod.subscription_id == key[1],
        )
        .distinct()
    )
    return {(row[0], row[1]) for row in found}


def find_term_begin(
    session: Session,
    key: SubscriptionKey,
    index: int,
    *,
    term_periods: int,
    versions: Collection[VersionKey],
) -> int:
    """The index of the first period of the term that a period is in.

    ``versions`` are those that have the commitment; one of them bills the period.
    """
    values = {
        "organization_id": key[0],
        "subscription_id": key[1],
        "index": index,
        "term_periods": term_periods,
        "plans": [one[0] for one in versions],
        "versions": [one[1] for one in versions],
    }
    return int(session.execute(FIND_BEGIN, values).scalar_one())


def list_periods_since(
    session: Session, key: SubscriptionKey, index: int
) -> Sequence[SubscriptionPeriod]:
    """The periods of a subscription from that one on, in order."""
    return session.exec(
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.organization_id == key[0],
            SubscriptionPeriod.subscription_id == key[1],
            col(SubscriptionPeriod.index) >= index,
        )
        .order_by(col(SubscriptionPeriod.index))
    ).all()

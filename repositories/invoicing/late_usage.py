"""Final periods that are to be rated again, and which of them a draft shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session, col, select

from models.invoicing.late_usage import LateUsageMark
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.asynchronous.prefetched import prefetchable
from repositories.invoicing.late_policy import IS_SETTLED, LEAVES_TO_BILLS, SETTLES_ALONE
from repositories.row_keys import PeriodKey, among

PERIODS_AT_ONCE = 200
"""How many periods one document corrects; what is left waits for the next one."""

# A mark is held while a draft shows its difference. A draft that is final, gone or rewritten by
# people shows it no longer, so nobody needs to let go of it.
_HOLDER = """
LEFT JOIN invoice AS holder ON holder.organization_id = mark.organization_id
    AND holder.id = mark.draft_id AND holder.status = 'DRAFT' AND NOT holder.is_edited
"""

_DRAFT_WILL_SHOW = """EXISTS (
    SELECT FROM invoice AS draft
    WHERE draft.organization_id = mark.organization_id
        AND draft.subscription_id = mark.subscription_id
        AND draft.status = 'DRAFT' AND draft.kind = 'period' AND NOT draft.is_edited
)"""

_MARKED = """
    SELECT asked.organization_id, asked.subscription_id, marked.period_index
    FROM (
        SELECT * FROM unnest(
            CAST(:organizations AS uuid[]), CAST(:subscriptions AS uuid[]),
            CAST(:frees AS boolean[]), CAST(:ignoring AS boolean[]), CAST(:drafts AS uuid[])
        ) AS one (organization_id, subscription_id, takes_free, ignores_usage, draft_id)
        ORDER BY one.organization_id, one.subscription_id
    ) AS asked
    CROSS JOIN LATERAL (
        -- Periods that are not billed anew as a whole, with marks that nobody else shows.
        SELECT mark.period_index
        FROM late_usage_mark AS mark
        JOIN subscription_period AS period ON period.organization_id = mark.organization_id
            AND period.subscription_id = mark.subscription_id AND period.index = mark.period_index
        {holder}
        WHERE mark.organization_id = asked.organization_id
            AND mark.subscription_id = asked.subscription_id
            AND period.status IN ('final', 'void', 'unbilled')
            AND (holder.id = asked.draft_id OR (
                holder.id IS NULL AND asked.takes_free
                -- A period without a bill is owed nothing, whatever its usage.
                AND (NOT asked.ignores_usage OR period.status <> 'final')
            ))
        ORDER BY mark.period_index LIMIT :periods_at_once
        {lock}
    ) AS marked
    ORDER BY 1, 2, 3
    """.replace("{holder}", _HOLDER)

MARKED = text(_MARKED.replace("{lock}", ""))

# What is marked while a document is written waits for it, and is marked anew then: else the
# document would be done with a mark that says more than it has read.
LOCK_MARKED = text(_MARKED.replace("{lock}", "FOR UPDATE OF mark"))

# With drafts that will show the differences, nothing is due by itself.
DUE_SINCE = text(
    """
    SELECT min(period.ends_at), min(period.index) FILTER (WHERE period.status = 'final')
    FROM late_usage_mark AS mark
    JOIN subscription_period AS period ON period.organization_id = mark.organization_id
        AND period.subscription_id = mark.subscription_id AND period.index = mark.period_index
    {holder}
    WHERE mark.organization_id = :organization_id AND mark.subscription_id = :subscription_id
        AND period.status IN ('final', 'void', 'unbilled') AND holder.id IS NULL
        AND NOT (:leaves_to_drafts AND {draft_will_show})
        AND (NOT :ignores_usage OR mark.ends_term OR period.status <> 'final')
    """.replace("{holder}", _HOLDER).replace("{draft_will_show}", _DRAFT_WILL_SHOW)
)

# Differences that settle alone and were marked before that instant; a test clock shows for itself
# that it has not come so far. It is what the workflow's agenda has: a property test compares them.
DUE_BEFORE = text(
    """
    SELECT mark.subscription_id, mark.period_index
    FROM late_usage_mark AS mark
    JOIN organization ON organization.id = mark.organization_id
    JOIN subscription ON subscription.organization_id = mark.organization_id
        AND subscription.id = mark.subscription_id
    JOIN subscription_period AS period ON period.organization_id = mark.organization_id
        AND period.subscription_id = mark.subscription_id AND period.index = mark.period_index
    {holder}
    -- The period's own bill is no draft any more, and no draft has taken the difference up.
    WHERE mark.organization_id = :organization_id AND mark.marked_at < :before
        AND period.status IN ('final', 'void', 'unbilled') AND holder.id IS NULL
        AND subscription.test_clock_id IS NULL
        AND {settles_alone} AND NOT ({leaves_to_bills} AND {draft_will_show})
        AND {is_settled}
    ORDER BY mark.subscription_id, mark.period_index LIMIT 1000
    """.replace("{holder}", _HOLDER)
    .replace("{settles_alone}", SETTLES_ALONE)
    .replace("{leaves_to_bills}", LEAVES_TO_BILLS)
    .replace("{draft_will_show}", _DRAFT_WILL_SHOW)
    .replace("{is_settled}", IS_SETTLED)
)

HOLD = text(
    """
    UPDATE late_usage_mark SET draft_id = :draft_id
    WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND period_index = ANY (:indexes)
    """
)

SETTLE = text(
    """
    DELETE FROM late_usage_mark
    WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND period_index = ANY (:indexes)
    """
)

MARK = text(
    """
    INSERT INTO late_usage_mark
        (organization_id, subscription_id, period_index, marked_at, ends_term)
    SELECT :organization_id, :subscription_id, index, :now, :ends_term
    FROM unnest(CAST(:indexes AS integer[])) AS index ORDER BY index
    ON CONFLICT (organization_id, subscription_id, period_index)
        DO UPDATE SET draft_id = NULL, marked_at = excluded.marked_at,
            ends_term = late_usage_mark.ends_term OR excluded.ends_term
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarksAsked:
    """Whose marks: those that no draft shows if ``takes_free``, and those that the draft shows.

    Where usage is ignored the former are of periods alone whose bill is void or deleted.
    """

    subscription: Subscription
    takes_free: bool
    ignores_usage: bool
    draft_id: UUID | None


@prefetchable
def list_marked_periods(
    session: Session, asked: Sequence[MarksAsked]
) -> list[list[SubscriptionPeriod]]:
    """The next periods of each that are to be rated again, in order, at most ``PERIODS_AT_ONCE``.

    No two ask about the same subscription.
    """
    return _list_marked(session, MARKED, asked)


def lock_marked_periods(
    session: Session, asked: Sequence[MarksAsked]
) -> list[list[SubscriptionPeriod]]:
    """As :func:`list_marked_periods`; nobody says more of them until the transaction ends.

    For whoever is done with the marks in it.
    """
    return _list_marked(session, LOCK_MARKED, asked)


def _list_marked(
    session: Session, statement: TextClause, asked: Sequence[MarksAsked]
) -> list[list[SubscriptionPeriod]]:
    session.flush()  # plain statements do not do it by themselves
    rows = session.execute(
        statement,
        {
            "organizations": [one.subscription.organization_id for one in asked],
            "subscriptions": [one.subscription.id for one in asked],
            "frees": [one.takes_free for one in asked],
            "ignoring": [one.ignores_usage for one in asked],
            "drafts": [one.draft_id for one in asked],
            "periods_at_once": PERIODS_AT_ONCE,
        },
    )
    marked = [(row[0], row[1], row[2]) for row in rows]
    found = _list_periods(session, marked) if marked else {}
    periods: dict[UUID, list[SubscriptionPeriod]] = {one.subscription.id: [] for one in asked}
    for key in marked:
        periods[key[1]].append(found[key])
    return [periods[one.subscription.id] for one in asked]


def _list_periods(
    session: Session, keys: Sequence[PeriodKey]
) -> dict[PeriodKey, SubscriptionPeriod]:
    columns = (
        col(SubscriptionPeriod.organization_id),
        col(SubscriptionPeriod.subscription_id),
        col(SubscriptionPeriod.index),
    )
    found = session.exec(select(SubscriptionPeriod).where(among(keys, *columns)))
    return {(one.organization_id, one.subscription_id, one.index): one for one in found}


def find_due_since(
    session: Session,
    subscription: Subscription,
    *,
    leaves_to_drafts: bool,
    ignores_usage: bool = False,
) -> tuple[datetime, int | None] | None:
    """The end of the earliest period whose difference no draft shows, None where nothing waits.

    With it comes the first of them that is final. ``leaves_to_drafts``: a draft of the
    subscription that waits to be final will show it. ``ignores_usage``: usage is not settled.
    """
    keys = _keys(subscription) | {
        "leaves_to_drafts": leaves_to_drafts,
        "ignores_usage": ignores_usage,
    }
    session.flush()
    since, first_final = session.execute(DUE_SINCE, keys).one()
    return None if since is None else (since, first_final)


def list_due_before(
    session: Session, organization_id: UUID, before: datetime
) -> Sequence[tuple[UUID, int]]:
    """Periods whose difference should have been settled by now, as subscription and index."""
    session.flush()
    keys = {"organization_id": organization_id, "before": before}
    return [(row[0], row[1]) for row in session.execute(DUE_BEFORE, keys)]


def find_mark(
    session: Session, subscription: Subscription, period_index: int
) -> LateUsageMark | None:
    """The mark of a period that is to be rated again, or None."""
    return session.get(LateUsageMark, (subscription.organization_id, subscription.id, period_index))


def mark_periods(
    session: Session,
    subscription: Subscription,
    indexes: Sequence[int],
    *,
    ends_term: bool = False,
    now: datetime,
) -> None:
    """These periods are to be rated again, and no draft shows their difference. Idempotent.

    ``ends_term``: a term of a commitment ends with them, which their bills knew nothing of.
    """
    if indexes:
        keys = _keys(subscription) | {"indexes": list(indexes), "now": now, "ends_term": ends_term}
        session.execute(MARK, keys)


def hold_marks(
    session: Session, subscription: Subscription, indexes: Sequence[int], draft_id: UUID
) -> None:
    """The draft shows what changed in these periods."""
    if indexes:
        keys = _keys(subscription) | {"indexes": list(indexes), "draft_id": draft_id}
        session.execute(HOLD, keys)


def settle_marks(session: Session, subscription: Subscription, indexes: Sequence[int]) -> None:
    """Final documents, which locked the marks, say what changed in these periods. Idempotent."""
    if indexes:
        session.execute(SETTLE, _keys(subscription) | {"indexes": list(indexes)})


def _keys(subscription: Subscription) -> dict[str, object]:
    return {"organization_id": subscription.organization_id, "subscription_id": subscription.id}

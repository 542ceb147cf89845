"""Which meters subscriptions charge, and when: claimed, given up, and found in each other's way.

What is wanted is a set of spans, one for a subscription and a meter, told by a statement: a plan
with many subscriptions is claimed for as one set. A customer's claims on a meter are one row, which
is computed as it stands when it is written: whoever waited for another writer adds to what that one
left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Result, Row, text
from sqlmodel import Session

from models.subscriptions.states import BOUNDARY, LIVE
from repositories.catalog.edit_reach import HAS_NOT_BEGUN, PRESENT

OVERLAP = "ck_meter_claim_overlap"

SPANS_OF_PLAN = """
    SELECT DISTINCT CAST(:customer_id AS uuid) AS customer_id,
        CAST(:subscription_id AS uuid) AS subscription_id,
        CAST(charge #>> '{meter,meter_id}' AS uuid) AS meter_id,
        CAST(:starts_at AS timestamptz) AS starts_at, CAST(:ends_at AS timestamptz) AS ends_at
    FROM (
        SELECT terms FROM plan_version
        WHERE organization_id = :organization_id AND plan_id = :plan_id
            AND version = coalesce(CAST(:version AS integer), version)
        ORDER BY version DESC LIMIT 1
    ) AS kept, jsonb_array_elements(kept.terms -> 'charges') AS charge
    WHERE charge #>> '{meter,meter_id}' IS NOT NULL
"""

SPANS_OF_EDIT = f"""
    -- Live subscriptions that follow the plan's edits.
    WITH live AS (
        SELECT subscription.customer_id, subscription.id, subscription.plan_id,
            subscription.next_plan_id, subscription.version_policy,
            subscription.cancel_at_period_end, {BOUNDARY} AS boundary,
            CASE WHEN status <> 'TRIAL' AND (:from_running_period OR {HAS_NOT_BEGUN})
                THEN current_period_start ELSE {BOUNDARY}
            END AS met_at
        FROM subscription
        LEFT JOIN test_clock AS clock ON clock.organization_id = subscription.organization_id
            AND clock.id = subscription.test_clock_id
        WHERE subscription.organization_id = :organization_id
            AND {LIVE}
            AND (subscription.plan_id = :plan_id OR subscription.next_plan_id = :plan_id)
            -- Periods that nobody has closed in time are followed by others that began before the
            -- edit, and still charge what it ends: their claims are given up when those open.
            AND NOT (:spares_missed AND {BOUNDARY} <= {PRESENT})
    ),
    -- On the plan: from the period that runs, or the first one that begins after the edit, until
    -- they leave it. About to be on it: from their boundary.
    met AS (
        SELECT customer_id, id, met_at AS starts_at,
            CASE WHEN cancel_at_period_end OR next_plan_id IS NOT NULL THEN boundary END AS ends_at
        FROM live WHERE plan_id = :plan_id AND version_policy = 'latest'
        UNION ALL
        SELECT customer_id, id, boundary, NULL
        FROM live WHERE next_plan_id = :plan_id AND NOT cancel_at_period_end
    )
    SELECT customer_id, id AS subscription_id, meter_id, starts_at, ends_at
    FROM met CROSS JOIN unnest(CAST(:meter_ids AS uuid[])) AS meter_id
    WHERE ends_at IS NULL OR starts_at < ends_at
"""  # noqa: S608  (put together out of constants)

SPANS_OF_REST = """
    SELECT customer_id, CAST(:subscription_id AS uuid) AS subscription_id, meter_id,
        CAST(:at AS timestamptz) AS starts_at, CAST(NULL AS timestamptz) AS ends_at
    FROM meter_claim
    WHERE organization_id = :organization_id AND customer_id = :customer_id
        AND :subscription_id = ANY (subscription_ids)
"""

CLAIM = """
    WITH span AS ({spans})
    INSERT INTO meter_claim AS claim
        (organization_id, customer_id, meter_id, subscription_ids, spans)
    SELECT :organization_id, customer_id, meter_id, array_agg(subscription_id),
        array_agg(tstzrange(starts_at, ends_at))
    FROM span
    GROUP BY customer_id, meter_id
    ORDER BY customer_id, meter_id
    -- What a subscription claims already, where it lies in the span or touches it, becomes one
    -- with it.
    ON CONFLICT (organization_id, customer_id, meter_id) DO UPDATE
    SET (subscription_ids, spans) = (
        SELECT array_agg(subscription_id), array_agg(claimed)
        FROM (
            SELECT subscription_id, unnest(range_agg(claimed)) AS claimed
            FROM unnest(
                claim.subscription_ids || excluded.subscription_ids, claim.spans || excluded.spans
            ) AS one(subscription_id, claimed)
            GROUP BY subscription_id
        ) AS joined
    )
    WHERE EXISTS (
        SELECT FROM unnest(excluded.subscription_ids, excluded.spans) AS wanted(id, claimed)
        WHERE NOT EXISTS (
            SELECT FROM unnest(claim.subscription_ids, claim.spans) AS one(id, claimed)
            WHERE one.id = wanted.id AND one.claimed @> wanted.claimed
        )
    )
"""

GIVE_UP = """
    WITH span AS (
        SELECT customer_id, meter_id, array_agg(subscription_id) AS subscription_ids,
            array_agg(tstzrange(starts_at, ends_at)) AS spans
        FROM ({spans}) AS one GROUP BY customer_id, meter_id
    )
    -- What was claimed before the span stays, and so does what is claimed after it: where a
    -- subscription is to leave the plan, another plan may charge the meter from there.
    UPDATE meter_claim AS claim
    SET (subscription_ids, spans) = (
        SELECT coalesce(array_agg(subscription_id), '{}'), coalesce(array_agg(claimed), '{}')
        FROM (
            SELECT one.subscription_id, unnest(multirange(one.claimed) - (
                SELECT coalesce(range_agg(gap), '{}')
                FROM unnest(span.subscription_ids, span.spans) AS given(subscription_id, gap)
                WHERE given.subscription_id = one.subscription_id
            )) AS claimed
            FROM unnest(claim.subscription_ids, claim.spans) AS one(subscription_id, claimed)
        ) AS kept
    )
    FROM span
    WHERE claim.organization_id = :organization_id
        AND claim.customer_id = span.customer_id AND claim.meter_id = span.meter_id
        AND claim.subscription_ids && span.subscription_ids
"""

FIND_RIVAL = """
    WITH span AS ({spans}),
    -- What others claim, and what is wanted for other subscriptions of the same customer.
    conflict AS (
        SELECT customer_id, meter_id, subscription_id, claimed
        FROM meter_claim
        CROSS JOIN unnest(subscription_ids, spans) AS one(subscription_id, claimed)
        WHERE organization_id = :organization_id
            AND (customer_id, meter_id) IN (SELECT customer_id, meter_id FROM span)
        UNION ALL
        SELECT customer_id, meter_id, subscription_id, tstzrange(starts_at, ends_at) FROM span
    )
    SELECT conflict.subscription_id, conflict.meter_id, lower(conflict.claimed) AS starts_at,
        upper(conflict.claimed) AS ends_at
    FROM span JOIN conflict ON conflict.customer_id = span.customer_id
        AND conflict.meter_id = span.meter_id AND conflict.subscription_id <> span.subscription_id
        AND conflict.claimed && tstzrange(span.starts_at, span.ends_at)
    ORDER BY ends_at DESC NULLS FIRST, conflict.subscription_id LIMIT 1
"""

LIST_CLAIMS = text("""
    SELECT subscription_id, meter_id, lower(claimed) AS starts_at, upper(claimed) AS ends_at
    FROM meter_claim CROSS JOIN unnest(subscription_ids, spans) AS one(subscription_id, claimed)
    WHERE organization_id = :organization_id AND customer_id = :customer_id
    ORDER BY meter_id, claimed
""")

LIST_DEFERRED = text("""
    -- An edit of running periods moves all of them, so what they do not have yet came after the
    -- last one of that kind, and before this one.
    WITH since AS (
        SELECT version, terms FROM plan_version
        WHERE organization_id = :organization_id AND plan_id = :plan_id AND version < :version
            AND version >= coalesce((
                SELECT max(former.version) FROM plan_version AS former
                WHERE former.organization_id = :organization_id AND former.plan_id = :plan_id
                    AND former.version < :version AND former.effective = 'running_period'
            ), 1)
    )
    SELECT charged.meter_id FROM (
        SELECT DISTINCT version, CAST(charge #>> '{meter,meter_id}' AS uuid) AS meter_id
        FROM since, jsonb_array_elements(terms -> 'charges') AS charge
    ) AS charged
    WHERE charged.meter_id IS NOT NULL
    GROUP BY charged.meter_id HAVING count(*) < (SELECT count(*) FROM since)
    ORDER BY charged.meter_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """What is wanted: a statement that selects spans, and its parameters."""

    statement: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedSpan:
    """A stretch of time, half-open, in which a subscription charges a meter; open without end."""

    subscription_id: UUID
    meter_id: UUID
    starts_at: datetime
    ends_at: datetime | None


def spans_of_plan(
    organization_id: UUID,
    *,
    customer_id: UUID,
    subscription_id: UUID,
    plan_id: UUID,
    version: int | None,
    starts_at: datetime,
    ends_at: datetime | None,
) -> Spans:
    """Every meter that a version of a plan, or its newest, charges, for one subscription."""
    return Spans(statement=SPANS_OF_PLAN, parameters=locals())


def spans_of_edit(
    organization_id: UUID,
    *,
    plan_id: UUID,
    meter_ids: Collection[UUID],
    from_running_period: bool,
    spares_missed: bool,
    now: datetime,
) -> Spans:
    """These meters for every live subscription that an edit of a plan meets, from where it does.

    ``spares_missed`` leaves out subscriptions that have periods to catch up with.
    """
    return Spans(statement=SPANS_OF_EDIT, parameters={**locals(), "meter_ids": list(meter_ids)})


def spans_of_rest(
    organization_id: UUID, *, customer_id: UUID, subscription_id: UUID, at: datetime
) -> Spans:
    """Every meter that a subscription claims, from ``at`` on."""
    return Spans(statement=SPANS_OF_REST, parameters=locals())


def claim(session: Session, spans: Spans) -> None:
    """The spans are claimed, as one with what their subscriptions claim already.

    Raises IntegrityError ``ck_meter_claim_overlap`` where another subscription does.
    """
    _run(session, CLAIM, spans)


def give_up(session: Session, spans: Spans) -> None:
    """Nothing is claimed of the spans; what lies before and after them stays."""
    _run(session, GIVE_UP, spans)


def list_deferred_meters(
    session: Session, organization_id: UUID, plan_id: UUID, version: int
) -> Sequence[UUID]:
    """The meters that some versions which may be running charge, and others do not.

    ``version`` is the one that an edit has just made; what only that one says is none of them.
    """
    keys = {"organization_id": organization_id, "plan_id": plan_id, "version": version}
    return session.execute(LIST_DEFERRED, keys).scalars().all()


def find_conflicting_claim(session: Session, spans: Spans) -> ClaimedSpan | None:
    """Of the claims of others that overlap the spans, the one that ends last."""
    row = _run(session, FIND_RIVAL, spans).one_or_none()
    return None if row is None else _read(row)


def list_claims(
    session: Session, organization_id: UUID, customer_id: UUID
) -> Sequence[ClaimedSpan]:
    """What the subscriptions of a customer claim, by meter and time."""
    keys = {"organization_id": organization_id, "customer_id": customer_id}
    return [_read(row) for row in session.execute(LIST_CLAIMS, keys)]


def _read(row: Row[Any]) -> ClaimedSpan:
    return ClaimedSpan(
        subscription_id=row.subscription_id,
        meter_id=row.meter_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


def _run(session: Session, template: str, spans: Spans) -> Result[Any]:
    return session.execute(text(template.replace("{spans}", spans.statement)), spans.parameters)

"""Which meters subscriptions charge, and when: claimed, given up, and found in each other's way.

What is wanted is a set of spans, one for a subscription and a meter, told by a statement: a plan
with many subscriptions is claimed for as one set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Result, text
from sqlmodel import Session, col, select

from models.catalog.meter_claims import MeterClaim
from models.subscriptions.states import BOUNDARY, LIVE
from repositories.catalog.edit_reach import HAS_NOT_BEGUN, PRESENT

OVERLAP = "ex_meter_claim_overlap"

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
        SELECT subscription.*, {BOUNDARY} AS boundary, {HAS_NOT_BEGUN} AS has_not_begun
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
        SELECT customer_id, id,
            CASE WHEN status <> 'TRIAL' AND (:from_running_period OR has_not_begun)
                THEN current_period_start ELSE boundary
            END AS starts_at,
            CASE WHEN cancel_at_period_end OR next_plan_id IS NOT NULL THEN boundary END AS ends_at
        FROM live WHERE plan_id = :plan_id AND version_policy = 'latest'
        UNION ALL
        SELECT customer_id, id, boundary, NULL
        FROM live WHERE next_plan_id = :plan_id AND NOT cancel_at_period_end
    )
    SELECT customer_id, id AS subscription_id, CAST(:meter_id AS uuid) AS meter_id,
        starts_at, ends_at
    FROM met WHERE ends_at IS NULL OR starts_at < ends_at
"""  # noqa: S608  (put together out of constants)

OF_SPAN = """
    claim.organization_id = :organization_id
    AND claim.subscription_id = span.subscription_id AND claim.meter_id = span.meter_id
"""

CLAIM = """
    WITH span AS MATERIALIZED ({spans}),
    missing AS (
        SELECT * FROM span
        WHERE NOT EXISTS (
            SELECT FROM meter_claim AS claim
            WHERE {of_span} AND claim.starts_at <= span.starts_at
                AND coalesce(claim.ends_at, 'infinity') >= coalesce(span.ends_at, 'infinity')
        )
    ),
    -- What the subscription claims already, where it lies in the span or touches it, becomes one
    -- claim with it: claims side by side would be in each other's way later.
    taken AS (
        DELETE FROM meter_claim AS claim USING missing AS span
        WHERE {of_span} AND claim.starts_at <= coalesce(span.ends_at, 'infinity')
            AND coalesce(claim.ends_at, 'infinity') >= span.starts_at
        RETURNING claim.subscription_id, claim.meter_id, claim.starts_at,
            coalesce(claim.ends_at, 'infinity') AS ends_at
    )
    INSERT INTO meter_claim
        (organization_id, customer_id, subscription_id, meter_id, starts_at, ends_at)
    SELECT :organization_id, span.customer_id, span.subscription_id, span.meter_id,
        least(span.starts_at, min(taken.starts_at)),
        nullif(greatest(coalesce(span.ends_at, 'infinity'), max(taken.ends_at)), 'infinity')
    FROM missing AS span LEFT JOIN taken
        ON taken.subscription_id = span.subscription_id AND taken.meter_id = span.meter_id
    GROUP BY span.customer_id, span.subscription_id, span.meter_id, span.starts_at, span.ends_at
    -- In the order of the index that keeps claims apart: of many, each then finds the pages that
    -- the one before it has touched, which takes a quarter less time.
    ORDER BY span.customer_id
"""

FIND_RIVAL = """
    WITH span AS MATERIALIZED ({spans}),
    -- What others claim, and what is wanted for other subscriptions of the same customer.
    conflict AS (
        SELECT customer_id, subscription_id, meter_id, starts_at, ends_at
        FROM meter_claim
        WHERE organization_id = :organization_id
            AND (customer_id, meter_id) IN (SELECT customer_id, meter_id FROM span)
        UNION ALL
        SELECT customer_id, subscription_id, meter_id, starts_at, ends_at FROM span
    )
    SELECT conflict.subscription_id, conflict.meter_id, conflict.ends_at
    FROM span JOIN conflict ON conflict.customer_id = span.customer_id
        AND conflict.meter_id = span.meter_id AND conflict.subscription_id <> span.subscription_id
        AND tstzrange(conflict.starts_at, conflict.ends_at, '[)')
            && tstzrange(span.starts_at, span.ends_at, '[)')
    ORDER BY conflict.ends_at DESC NULLS FIRST, conflict.subscription_id LIMIT 1
"""

GIVE_UP = """
    WITH span AS MATERIALIZED ({spans}),
    taken AS (
        DELETE FROM meter_claim AS claim USING span
        WHERE {of_span} AND claim.starts_at < coalesce(span.ends_at, 'infinity')
            AND coalesce(claim.ends_at, 'infinity') > span.starts_at
        RETURNING claim.customer_id, claim.subscription_id, claim.meter_id, claim.starts_at,
            claim.ends_at, span.starts_at AS gap_starts_at, span.ends_at AS gap_ends_at
    ),
    -- What was claimed before the span stays, and so does what is claimed after it: where a
    -- subscription is to leave the plan, another plan may charge the meter from there.
    kept AS (
        SELECT customer_id, subscription_id, meter_id, starts_at, gap_starts_at AS ends_at
        FROM taken WHERE starts_at < gap_starts_at
        UNION ALL
        SELECT customer_id, subscription_id, meter_id, gap_ends_at, ends_at
        FROM taken WHERE gap_ends_at < coalesce(ends_at, 'infinity')
    )
    INSERT INTO meter_claim
        (organization_id, customer_id, subscription_id, meter_id, starts_at, ends_at)
    SELECT :organization_id, customer_id, subscription_id, meter_id, starts_at, ends_at FROM kept
"""

GIVE_UP_ALL_LATER = text(
    "DELETE FROM meter_claim WHERE organization_id = :organization_id"
    " AND subscription_id = :subscription_id AND starts_at >= :at"
)
GIVE_UP_ALL_REST = text(
    "UPDATE meter_claim SET ends_at = :at WHERE organization_id = :organization_id"
    " AND subscription_id = :subscription_id AND (ends_at IS NULL OR ends_at > :at)"
)


LIST_DEFERRED = text("""
    -- An edit of running periods moves all of them, so what they do not have yet came after the
    -- last one of that kind.
    WITH since AS (
        SELECT version, terms FROM plan_version
        WHERE organization_id = :organization_id AND plan_id = :plan_id
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
class ConflictingClaim:
    """Who charges a meter meanwhile, and until when; None if no end is planned."""

    subscription_id: UUID
    meter_id: UUID
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
    meter_id: UUID,
    from_running_period: bool,
    spares_missed: bool,
    now: datetime,
) -> Spans:
    """One meter for every live subscription that an edit of a plan meets, from where it does.

    ``spares_missed`` leaves out subscriptions that have periods to catch up with.
    """
    return Spans(statement=SPANS_OF_EDIT, parameters=locals())


def claim(session: Session, spans: Spans) -> None:
    """The spans are claimed, as one with what their subscriptions claim already.

    Raises IntegrityError ``ex_meter_claim_overlap`` where another subscription does.
    """
    _run(session, CLAIM, spans)


def give_up(session: Session, spans: Spans) -> None:
    """Nothing is claimed of the spans; what lies before and after them stays."""
    _run(session, GIVE_UP, spans)


def give_up_from(
    session: Session, organization_id: UUID, subscription_id: UUID, *, at: datetime
) -> None:
    """The subscription claims nothing from ``at`` on."""
    keys = {"organization_id": organization_id, "subscription_id": subscription_id, "at": at}
    session.execute(GIVE_UP_ALL_LATER, keys)
    session.execute(GIVE_UP_ALL_REST, keys)


def list_deferred_meters(
    session: Session, organization_id: UUID, plan_id: UUID, version: int
) -> Sequence[UUID]:
    """The meters that some versions which may be running charge, and others do not."""
    keys = {"organization_id": organization_id, "plan_id": plan_id, "version": version}
    return session.execute(LIST_DEFERRED, keys).scalars().all()


def find_conflicting_claim(session: Session, spans: Spans) -> ConflictingClaim | None:
    """Of the claims of others that overlap the spans, the one that ends last."""
    row = _run(session, FIND_RIVAL, spans).one_or_none()
    if row is None:
        return None
    return ConflictingClaim(
        subscription_id=row.subscription_id, meter_id=row.meter_id, ends_at=row.ends_at
    )


def list_claims(session: Session, organization_id: UUID, customer_id: UUID) -> Sequence[MeterClaim]:
    """What the subscriptions of a customer claim, by meter and time."""
    return session.exec(
        select(MeterClaim)
        .where(MeterClaim.organization_id == organization_id, MeterClaim.customer_id == customer_id)
        .order_by(col(MeterClaim.meter_id), col(MeterClaim.starts_at))
        .execution_options(populate_existing=True)
    ).all()


def _run(session: Session, template: str, spans: Spans) -> Result[Any]:
    statement = template.replace("{spans}", spans.statement).replace("{of_span}", OF_SPAN)
    return session.execute(text(statement), spans.parameters)

"""Usage that no subscription charges: recorded hours of a meter outside of every charged span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.metering.tallies import Tally
from repositories.usage.counted_events import COUNTS, latest_corrections
from repositories.usage.figures import listed, names, pick_figures
from repositories.usage.reports import PeriodUsage


class UsedPair(NamedTuple):
    """A customer and a meter that recorded events of theirs. Pairs are walked in this order."""

    customer_id: UUID
    meter_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchargedUsage:
    """What a customer used of a meter in hours that nothing charges.

    ``since`` and ``present`` bound what was looked at, by the customer's clock.
    """

    pair: UsedPair
    external_id: str | None
    since: datetime
    present: datetime
    first_at: datetime
    last_at: datetime
    usage: PeriodUsage


def list_used_pairs(
    session: Session, organization_id: UUID, after: UsedPair | None, *, limit: int
) -> list[UsedPair]:
    """The next pairs behind one, or the first, each found by one step along the index."""
    nobody = UUID(int=0)
    customer_id, meter_id = after or (nobody, nobody)
    rows = session.execute(
        text(_LIST_PAIRS),
        {
            "organization_id": organization_id,
            "customer_id": customer_id,
            "meter_id": meter_id,
            "limit": limit,
        },
    )
    return [UsedPair(row[0], row[1]) for row in rows]


def find_uncharged(
    session: Session, organization_id: UUID, pairs: Sequence[UsedPair], *, days: int, now: datetime
) -> list[UnchargedUsage]:
    """Those of the pairs that have uncharged usage in the last days of the customer's clock.

    Reads roll-ups, and of raw events one for each pair that it returns: its first.
    """
    rows = session.execute(
        text(_FIND_UNCHARGED),
        {
            "organization_id": organization_id,
            "customers": [pair.customer_id for pair in pairs],
            "meters": [pair.meter_id for pair in pairs],
            "days": days,
            "now": now,
        },
    )
    return [_read(row) for row in rows.mappings()]


def _read(row: Any) -> UnchargedUsage:  # noqa: ANN401  (a row of text SQL has no type)
    return UnchargedUsage(
        pair=UsedPair(row["customer_id"], row["meter_id"]),
        external_id=row["external_id"],
        since=row["since"],
        present=row["present"],
        first_at=row["first_at"] or row["first_hour"],
        last_at=row["last_at"],
        usage=PeriodUsage(
            customer_count=1,
            tally=Tally(
                event_count=row["event_count"],
                newest=row["last_value"],
                weighted_total=row["weighted_total"],
                distinct_count=row["distinct_count"],
                **pick_figures(row),
            ),
        ),
    )


_LIST_PAIRS = """
-- From each pair one look into the index finds the next: hours in between are not read. The first
-- pair is the one after that which the caller has seen last.
WITH RECURSIVE pair AS (
    (
        SELECT customer_id, meter_id, 1 AS place FROM usage_rollup
        WHERE organization_id = :organization_id
            AND (customer_id, meter_id) > (:customer_id, :meter_id)
        ORDER BY customer_id, meter_id LIMIT 1
    )
    UNION ALL
    SELECT next.customer_id, next.meter_id, pair.place + 1
    FROM pair CROSS JOIN LATERAL (
        SELECT rollup.customer_id, rollup.meter_id FROM usage_rollup AS rollup
        WHERE rollup.organization_id = :organization_id
            AND (rollup.customer_id, rollup.meter_id) > (pair.customer_id, pair.meter_id)
        ORDER BY rollup.customer_id, rollup.meter_id LIMIT 1
    ) AS next
    WHERE pair.place < :limit
)
SELECT customer_id, meter_id FROM pair ORDER BY place
"""

_LATEST_CORRECTION = latest_corrections(
    "made.organization_id = event.organization_id AND made.event_id = event.id"
)

_FIND_UNCHARGED = f"""
-- Each pair with its customer's present, which a test clock may set, and how far to look back.
WITH used AS (
    SELECT pair.customer_id, pair.meter_id, customer.external_id, clock.present,
        clock.present - make_interval(days => :days) AS since
    FROM unnest(CAST(:customers AS uuid[]), CAST(:meters AS uuid[])) AS pair(customer_id, meter_id)
    JOIN customer ON customer.organization_id = :organization_id
        AND customer.id = pair.customer_id AND customer.deleted_at IS NULL
    LEFT JOIN test_clock ON test_clock.organization_id = customer.organization_id
        AND test_clock.id = customer.test_clock_id
    CROSS JOIN LATERAL (
        SELECT coalesce(test_clock.target_time, test_clock.frozen_time, :now) AS present
    ) AS clock
),
-- What subscriptions of the customer claim of the meter, trials and pauses included (CONTRACT 86).
charged AS (
    SELECT used.customer_id, used.meter_id,
        (SELECT range_agg(span) FROM unnest(claim.spans) AS span) AS spans
    FROM used
    JOIN meter_claim AS claim ON claim.organization_id = :organization_id
        AND claim.customer_id = used.customer_id AND claim.meter_id = used.meter_id
),
-- Whom subscriptions charge all the time is not looked at any further.
open AS (
    SELECT used.*, coalesce(charged.spans, '{{}}'::tstzmultirange) AS spans
    FROM used LEFT JOIN charged USING (customer_id, meter_id)
    WHERE charged.spans IS NULL OR NOT charged.spans @> tstzrange(used.since, used.present, '[]')
),
-- An hour that is charged in part counts as charged: roll-ups do not tell its events apart.
summed AS (
    SELECT open.customer_id, open.meter_id, min(rollup.hour) AS first_hour,
        max(rollup.last_at) AS last_at, sum(rollup.event_count)::bigint AS event_count,
        {listed(lambda figure: f"{figure.of_hours('rollup.')} AS {figure.name}")},
        (array_agg(rollup.last_value ORDER BY rollup.last_at DESC, rollup.last_sequence DESC))[1]
            AS last_value,
        sum(rollup.weighted_total + rollup.total
            * extract(epoch FROM open.present - (rollup.hour + interval '1 hour')) * 1000000)
            AS weighted_total
    FROM open JOIN usage_rollup AS rollup ON rollup.organization_id = :organization_id
        AND rollup.customer_id = open.customer_id AND rollup.meter_id = open.meter_id
        AND rollup.hour >= open.since AND rollup.event_count > 0
        AND NOT open.spans && tstzrange(rollup.hour, rollup.hour + interval '1 hour')
    GROUP BY open.customer_id, open.meter_id
)
-- Roll-ups say in which hour the first event lies, so that its instant is looked up there alone.
SELECT open.customer_id, open.meter_id, open.external_id, open.since, open.present,
    summed.first_hour, summed.last_at, summed.event_count, {names("summed.")},
    summed.last_value, summed.weighted_total,
    (
        SELECT count(DISTINCT seen.value_hash) FROM usage_distinct AS seen
        WHERE seen.organization_id = :organization_id
            AND seen.customer_id = open.customer_id AND seen.meter_id = open.meter_id
            AND seen.hour >= open.since
            AND NOT open.spans && tstzrange(seen.hour, seen.hour + interval '1 hour')
    ) AS distinct_count,
    (
        SELECT event.timestamp FROM usage_event AS event
        LEFT JOIN LATERAL {_LATEST_CORRECTION} AS correction ON true
        WHERE event.organization_id = :organization_id
            AND event.customer_id = open.customer_id AND event.meter_id = open.meter_id
            AND event.timestamp >= summed.first_hour
            AND event.timestamp < summed.first_hour + interval '1 hour'
            AND {COUNTS}
        ORDER BY event.timestamp LIMIT 1
    ) AS first_at
FROM summed JOIN open USING (customer_id, meter_id)
ORDER BY customer_id, meter_id
"""  # noqa: S608  (put together out of constants)

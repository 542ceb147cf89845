"""One statement for repeated checks: whether what they were decided from changed, and the usage.

A validator is made of the places and writers of all rows that an answer was decided from. Whatever
is changed, added or taken away among them gives another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from billing.metering.hours import floor_hour, split_hours
from models.subscriptions.states import LIVE
from repositories.array_text import array, quoted
from repositories.asynchronous.tenant_reads import read_rows
from repositories.catalog.versions import PERIOD_AND_PLAN
from repositories.statement_text import compact

HEX_DIGITS: Final = 32
"""Of a UUID; what is shorter is none."""

Edge = tuple[datetime, datetime]


class WindowSums:
    """A window whose usage is asked for: whole hours, and the ragged edges around them.

    Hours are summed from roll-ups. An edge is less than two hours, half-open; whether anything in
    it changed is seen by its hours' roll-ups.
    """

    __slots__ = ("edges", "meter_id", "texts")

    def __init__(self, meter_id: UUID, starts_at: datetime, ends_at: datetime) -> None:
        split = split_hours(starts_at, ends_at)
        first_hour, end_hour = split.whole or (ends_at, ends_at)
        self.meter_id = meter_id
        self.edges: tuple[Edge, ...] = split.edges
        instants = (floor_hour(starts_at), first_hour, end_hour, ends_at)
        self.texts = (str(meter_id), *(quoted(one.isoformat()) for one in instants))


class CheckQuestion(NamedTuple):
    """A check to be looked into; without a window nothing is summed."""

    customer: str
    lookup_key: str
    window: WindowSums | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revalidation:
    """The validator of a check and the usage of its window's whole hours, as one statement sees.

    ``edges`` is the validator of its edges, None while nothing was recorded in their hours.
    """

    place: int
    validator: str
    total: Decimal
    event_count: int
    edges: str | None


async def read_revalidations(
    connection: AsyncConnection, organization_id: UUID, questions: Sequence[CheckQuestion]
) -> list[Revalidation | None]:
    """An answer to each question in order; None where there is no such customer or feature."""
    windows = [_NO_WINDOW if one.window is None else one.window.texts for one in questions]
    meters, starts, firsts, ends_of_hours, ends = zip(*windows, strict=True)
    rows: list[Revalidation] = await read_rows(
        connection,
        organization_id,
        _READ_REVALIDATIONS,
        {
            "external_ids": array([quoted(one.customer) for one in questions]),
            "ids": array([_as_id(one.customer) for one in questions]),
            "lookup_keys": array([quoted(one.lookup_key) for one in questions]),
            "meters": array(meters),
            "starts": array(starts),
            "first_hours": array(firsts),
            "end_hours": array(ends_of_hours),
            "ends": array(ends),
        },
        class_row(Revalidation),
    )
    found = {row.place: row for row in rows}
    return [found.get(place) for place in range(1, len(questions) + 1)]


def _as_id(text: str) -> str:
    if len(text) < HEX_DIGITS:
        return "NULL"
    try:
        return str(UUID(text))
    except ValueError:
        return "NULL"


_NO_WINDOW: Final = ("NULL",) * 5

_READ_REVALIDATIONS: Final = compact(f"""
-- A row's place and writer are its version: PostgreSQL changes one of them with every change.
SELECT asked.place, concat_ws(
        '/', customer.ctid, customer.xmin, clock.ctid, clock.xmin, feature.ctid, feature.xmin,
        meter.ctid, meter.xmin, live.validator
    ) AS validator,
    coalesce(hours.total, 0) AS total, coalesce(hours.event_count, 0) AS event_count, hours.edges
FROM unnest(
    %(external_ids)s::text[], %(ids)s::uuid[], %(lookup_keys)s::text[], %(meters)s::uuid[],
    %(starts)s::timestamptz[], %(first_hours)s::timestamptz[], %(end_hours)s::timestamptz[],
    %(ends)s::timestamptz[]
) WITH ORDINALITY AS asked(
    external_id, id, lookup_key, meter_id, starts_at, first_hour, end_hour, ends_at, place
)
-- An id wins over another customer's external id of the same text.
CROSS JOIN LATERAL (
    SELECT coalesce(
        (
            SELECT named.id FROM customer AS named
            WHERE named.organization_id = tenant.id AND named.id = asked.id
                AND named.deleted_at IS NULL
        ),
        (
            SELECT named.id FROM customer AS named
            WHERE named.organization_id = tenant.id AND named.external_id = asked.external_id
                AND named.deleted_at IS NULL
        )
    ) AS id
    OFFSET 0
) AS named
JOIN customer ON customer.organization_id = tenant.id AND customer.id = named.id
JOIN feature ON feature.organization_id = tenant.id AND feature.lookup_key = asked.lookup_key
    AND feature.deleted_at IS NULL
LEFT JOIN meter ON meter.organization_id = tenant.id AND meter.id = feature.meter_id
LEFT JOIN test_clock AS clock ON clock.organization_id = tenant.id
    AND clock.id = customer.test_clock_id
-- Live subscriptions with their running period, plan and next plan, as one text: one more or less
-- is another text as well.
CROSS JOIN LATERAL (
    SELECT string_agg(
        concat_ws(
            '/', subscription.ctid, subscription.xmin, period.ctid, period.xmin, plan.ctid,
            plan.xmin, next_plan.ctid, next_plan.xmin
        ),
        ',' ORDER BY subscription.id
    ) AS validator
    FROM subscription{PERIOD_AND_PLAN}
    LEFT JOIN plan AS next_plan ON next_plan.organization_id = subscription.organization_id
        AND next_plan.id = subscription.next_plan_id
    WHERE subscription.organization_id = tenant.id AND subscription.customer_id = customer.id
        AND {LIVE}
) AS live
-- Hours in the window are summed; of hours that reach over its ends only the versions are told.
CROSS JOIN LATERAL (
    SELECT sum(held.total) FILTER (WHERE held.is_whole) AS total,
        sum(held.event_count) FILTER (WHERE held.is_whole)::bigint AS event_count,
        string_agg(held.validator, ',' ORDER BY held.hour) FILTER (WHERE NOT held.is_whole) AS edges
    FROM (
        SELECT rollup.hour, rollup.total, rollup.event_count,
            concat_ws('/', rollup.ctid, rollup.xmin) AS validator,
            rollup.hour >= asked.first_hour AND rollup.hour < asked.end_hour AS is_whole
        FROM usage_rollup AS rollup
        WHERE rollup.organization_id = tenant.id AND rollup.customer_id = customer.id
            AND rollup.meter_id = asked.meter_id
            AND rollup.hour >= asked.starts_at AND rollup.hour < asked.ends_at
    ) AS held
) AS hours""")  # noqa: S608  (put together out of constants)

"""Usage by properties: which values are named, and what each group of a span comes to.

Which group an event is of says :data:`PLACE` of its row, joined by :func:`named`, in every
statement that writes, rebuilds or reads groups.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.metering.hours import split_hours
from billing.periods import Period
from models.usage.groups import MISSING_PLACE, OTHERS_PLACE, UsageGrouping
from repositories.statement_text import compact
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections

_NO_WATERMARK: Final = 2**63 - 1

VALUES: Final = "usage_group_values({event}.meta_data, grouping.properties)"
"""What an event says of the properties of the row ``grouping``."""


def named(event: str) -> str:
    """Join the values of an event with those that are named, as ``named``."""
    return f"""LEFT JOIN LATERAL (SELECT {VALUES.format(event=event)} AS said) AS told ON true
        LEFT JOIN usage_group AS named ON named.organization_id = grouping.organization_id
            AND named.grouping_id = grouping.id AND named.property_values = told.said"""


PLACE: Final = (
    f"CASE WHEN array_position(told.said, NULL) IS NOT NULL THEN {MISSING_PLACE}"
    f" ELSE coalesce(named.place, {OTHERS_PLACE}) END"
)
"""The place of the group that an event is of."""


ROLL_UP: Final = f"""
    INSERT INTO usage_group_rollup AS held (
        organization_id, customer_id, meter_id, grouping_id, hour, place, event_count, total
    )
    SELECT event.organization_id, event.customer_id, event.meter_id, grouping.id, event.hour,
        {PLACE}, count(*), sum(event.quantity)
    FROM (
        SELECT organization_id, customer_id, meter_id, hour, quantity,
            meta_data::jsonb AS meta_data
        FROM fresh WHERE counts
    ) AS event
    JOIN usage_grouping AS grouping ON grouping.organization_id = event.organization_id
        AND grouping.meter_id = event.meter_id
        AND (grouping.rolled_from IS NULL OR event.hour >= grouping.rolled_from)
    {named("event")}
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (organization_id, customer_id, meter_id, grouping_id, hour, place) DO UPDATE SET
        event_count = held.event_count + excluded.event_count,
        total = held.total + excluded.total"""  # noqa: S608  (put together out of constants)
"""Rolls up those of the rows ``fresh`` that count, of meters whose usage is told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRead:
    """A period of a customer's meter to read by groups; ``place`` names it in the answer."""

    place: int
    organization_id: UUID
    customer_id: UUID
    meter_id: UUID
    properties: tuple[str, ...]
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPart:
    """What a part of a span comes to of one group. ``values`` are None unless they are named."""

    place: int
    group_place: int
    values: tuple[str, ...] | None
    event_count: int
    total: Decimal


def list_groupings(
    session: Session, meters: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID, tuple[str, ...]], UsageGrouping]:
    """The groupings of meters of organizations, by these and their properties."""
    rows = session.exec(
        select(UsageGrouping)
        .where(
            col(UsageGrouping.organization_id).in_({one for one, _ in meters}),
            col(UsageGrouping.meter_id).in_({one for _, one in meters}),
        )
        .execution_options(populate_existing=True)
    )
    return {(row.organization_id, row.meter_id, tuple(row.properties)): row for row in rows}


def read_groups(
    session: Session, asked: Sequence[GroupRead], *, watermark: int | None = None
) -> list[GroupPart]:
    """The groups of every span, from roll-ups where these have them, else from events.

    With a ``watermark`` only raw events and corrections up to it are read. A grouping that nobody
    registered has no groups: that is a broken rule of the caller's.
    """
    if not asked:
        return []
    groupings = list_groupings(session, {(one.organization_id, one.meter_id) for one in asked})
    hours: list[tuple[object, ...]] = []
    edges: list[tuple[object, ...]] = []
    for one in asked:
        grouping = groupings[one.organization_id, one.meter_id, one.properties]
        whole, ragged = _split(one.period, grouping.rolled_from, is_raw=watermark is not None)
        whose = (one.place, one.organization_id, one.customer_id, one.meter_id, grouping.id)
        hours.extend((*whose, *span) for span in whole)
        edges.extend((*whose, *span) for span in ragged)
    branches = ([_HOURS] if hours else []) + ([_EDGES] if edges else [])
    if not branches:
        return []
    values: dict[str, Any] = {}
    for prefix, rows in (("hours", hours), ("edges", edges)):
        for (name, _), column in zip(_ASKED, zip(*rows, strict=True), strict=False):
            values[f"{prefix}_{name}"] = list(column)
    if edges:
        values["watermark"] = _NO_WATERMARK if watermark is None else watermark
        values["first"], values["last"] = min(values["edges_starts"]), max(values["edges_ends"])
    found = session.execute(text(compact("\nUNION ALL\n".join(branches))), values)
    return [
        GroupPart(
            place=row[0],
            group_place=row[1],
            values=None if row[2] is None else tuple(row[2]),
            event_count=row[3],
            total=row[4],
        )
        for row in found
    ]


_Span = tuple[datetime, datetime]


def _split(
    period: Period, rolled_from: datetime | None, *, is_raw: bool
) -> tuple[list[_Span], list[_Span]]:
    """The whole hours that roll-ups have the groups of, and the rest of the period."""
    everything = (period.starts_at, period.ends_at)
    split = split_hours(*everything)
    if is_raw or split.whole is None:
        return [], [everything] if everything[0] < everything[1] else []
    starts_at, ends_at = split.whole
    if rolled_from is None or rolled_from <= starts_at:
        return [split.whole], list(split.edges)
    if rolled_from >= ends_at:
        return [], [everything]
    edges = [(period.starts_at, rolled_from), (ends_at, period.ends_at)]
    return [(rolled_from, ends_at)], [one for one in edges if one[0] < one[1]]


_ASKED: Final = (
    ("place", "integer"),
    ("organization_id", "uuid"),
    ("customer_id", "uuid"),
    ("meter_id", "uuid"),
    ("grouping_id", "uuid"),
    ("starts", "timestamptz"),
    ("ends", "timestamptz"),
)


def _asked(prefix: str) -> str:
    arrays = ", ".join(f"CAST(:{prefix}_{name} AS {kind}[])" for name, kind in _ASKED)
    return f"unnest({arrays}) AS asked ({', '.join(name for name, _ in _ASKED)})"


_HOURS: Final = f"""
SELECT found.asked_place, found.place, named.property_values, found.event_count, found.total
FROM (
    SELECT asked.place AS asked_place, asked.organization_id, asked.grouping_id, rolled.place,
        sum(rolled.event_count)::bigint AS event_count, sum(rolled.total) AS total
    FROM {_asked("hours")}
    JOIN usage_group_rollup AS rolled ON rolled.organization_id = asked.organization_id
        AND rolled.customer_id = asked.customer_id AND rolled.meter_id = asked.meter_id
        AND rolled.grouping_id = asked.grouping_id
        AND rolled.hour >= asked.starts AND rolled.hour < asked.ends
    GROUP BY asked.place, asked.organization_id, asked.grouping_id, rolled.place
) AS found
LEFT JOIN usage_group AS named ON named.organization_id = found.organization_id
    AND named.grouping_id = found.grouping_id AND named.place = found.place"""  # noqa: S608  (put together out of constants)

_CORRECTIONS: Final = latest_corrections(
    "made.organization_id = asked.organization_id AND made.customer_id = asked.customer_id"
    " AND made.meter_id = asked.meter_id"
    " AND made.timestamp >= asked.starts AND made.timestamp < asked.ends"
    " AND made.arrival_sequence <= :watermark"
)

# The bounds of all edges together tell the planner which months it need not look at.
_EDGES: Final = f"""
SELECT asked.place, found.*
FROM {_asked("edges")}
JOIN usage_grouping AS grouping ON grouping.organization_id = asked.organization_id
    AND grouping.id = asked.grouping_id
CROSS JOIN LATERAL (
    SELECT {PLACE} AS group_place, named.property_values, count(*) AS event_count,
        sum({QUANTITY}) AS total
    FROM usage_event AS event
    LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
    {named("event")}
    WHERE event.organization_id = asked.organization_id AND event.customer_id = asked.customer_id
        AND event.meter_id = asked.meter_id
        AND event.timestamp >= asked.starts AND event.timestamp < asked.ends
        AND event.timestamp >= CAST(:first AS timestamptz)
        AND event.timestamp < CAST(:last AS timestamptz)
        AND event.arrival_sequence <= :watermark AND {COUNTS}
    GROUP BY 1, 2
) AS found"""  # noqa: S608  (put together out of constants)


def values_by_place(
    session: Session, organization_id: UUID, grouping_id: UUID
) -> Mapping[tuple[str, ...], int]:
    """The places of the values that are named."""
    rows = session.execute(
        text(
            "SELECT property_values, place FROM usage_group"
            " WHERE organization_id = :organization_id AND grouping_id = :grouping_id"
        ),
        {"organization_id": organization_id, "grouping_id": grouping_id},
    )
    return {tuple(row[0]): row[1] for row in rows}

"""Roll-ups of groups: registered, compared with events, or written anew from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from models.base import new_id
from models.usage.groups import OTHERS_PLACE, UsageGroup, UsageGrouping
from repositories.usage.counted_events import COUNTS, QUANTITY
from repositories.usage.properties.groups import PLACE, named
from repositories.usage.rollups import ONE_HOUR, Hours, RollupDifference, conditions_of

_COMPUTED: Final = f"""
SELECT event.customer_id, event.meter_id, grouping.id AS grouping_id,
    date_trunc('hour', event.timestamp, 'UTC') AS hour, {PLACE} AS place,
    count(*) AS event_count, sum({QUANTITY}) AS total
FROM usage_grouping AS grouping
JOIN usage_event AS event ON event.organization_id = grouping.organization_id
    AND event.meter_id = grouping.meter_id
LEFT JOIN {{corrections}} AS correction ON correction.event_id = event.id
{named("event")}
WHERE grouping.organization_id = :organization_id AND {COUNTS}
    AND (grouping.rolled_from IS NULL OR event.timestamp >= grouping.rolled_from) {{event_hour}}
GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608  (put together out of constants)

_WRITE: Final = """
INSERT INTO usage_group_rollup
    (organization_id, customer_id, meter_id, grouping_id, hour, place, event_count, total)
SELECT :organization_id, customer_id, meter_id, grouping_id, hour, place, event_count, total
FROM ({computed}) AS computed
ORDER BY customer_id, meter_id, grouping_id, hour, place
"""

_DIFFERENCES: Final = """
SELECT coalesce(stored.meter_id, computed.meter_id),
    coalesce(stored.customer_id, computed.customer_id), coalesce(stored.hour, computed.hour),
    'group ' || coalesce(stored.place, computed.place),
    CASE WHEN stored.hour IS NOT NULL
        THEN concat_ws(', ', stored.event_count, trim_scale(stored.total)) END,
    CASE WHEN computed.hour IS NOT NULL
        THEN concat_ws(', ', computed.event_count, trim_scale(computed.total)) END
FROM (
    SELECT rolled.* FROM usage_group_rollup AS rolled
    JOIN usage_grouping AS grouping ON grouping.organization_id = rolled.organization_id
        AND grouping.id = rolled.grouping_id
    WHERE rolled.organization_id = :organization_id
        AND (grouping.rolled_from IS NULL OR rolled.hour >= grouping.rolled_from)
) AS stored
FULL JOIN ({computed}) AS computed USING (customer_id, meter_id, grouping_id, hour, place)
WHERE (stored.event_count, stored.total) IS DISTINCT FROM (computed.event_count, computed.total)
ORDER BY 1, 2, 3, 4
LIMIT :limit
"""

_AFTER_EVENTS: Final = text(
    "SELECT max(hour) + interval '1 hour' FROM usage_rollup"
    " WHERE organization_id = :organization_id AND meter_id = :meter_id"
)

_AFTER_OTHERS: Final = text(
    "SELECT max(hour) + interval '1 hour' FROM usage_group_rollup"  # noqa: S608  (a constant)
    " WHERE organization_id = :organization_id AND grouping_id = :grouping_id"
    f" AND place = {OTHERS_PLACE}"
)


def insert_grouping(
    session: Session,
    organization_id: UUID,
    meter_id: UUID,
    properties: Sequence[str],
    *,
    now: datetime,
) -> UsageGrouping:
    """The meter's events are told apart by these properties from the next hour without events on.

    Arrivals are locked by the caller.
    """
    keys = {"organization_id": organization_id, "meter_id": meter_id}
    grouping = UsageGrouping(
        organization_id=organization_id,
        id=new_id(),
        meter_id=meter_id,
        properties=list(properties),
        rolled_from=session.execute(_AFTER_EVENTS, keys).scalar_one(),
        created_at=now,
    )
    session.add(grouping)
    session.flush()
    return grouping


def insert_groups(
    session: Session, grouping: UsageGrouping, named_values: Sequence[tuple[str, ...]], first: int
) -> None:
    """Values have places of their own, from ``first`` on, in the hours from now on.

    In earlier hours that have other values events tell which ones. Arrivals are locked by the
    caller.
    """
    keys = {"organization_id": grouping.organization_id, "grouping_id": grouping.id}
    after = session.execute(_AFTER_OTHERS, keys).scalar_one()
    if after is not None and (grouping.rolled_from is None or grouping.rolled_from < after):
        grouping.rolled_from = after
        session.add(grouping)
    session.add_all(
        UsageGroup(
            organization_id=grouping.organization_id,
            grouping_id=grouping.id,
            place=place,
            property_values=list(values),
        )
        for place, values in enumerate(named_values, first)
    )
    session.flush()


def write_all(session: Session, organization_id: UUID) -> None:
    """All groups of an organization's events are rolled up, in every hour.

    Arrivals are locked by the caller.
    """
    hours = Hours(organization_id=organization_id)
    session.execute(
        text(
            "UPDATE usage_grouping SET rolled_from = NULL"
            " WHERE organization_id = :organization_id AND rolled_from IS NOT NULL"
        ),
        hours.parameters(),
    )
    _replace(session, hours, "")


def write_hour(session: Session, hour: Hours) -> None:
    """The groups of a customer's hour are what its events come to.

    Arrivals are locked by the caller.
    """
    _replace(session, hour, ONE_HOUR.format(table="usage_group_rollup", column="hour"))


def list_differences(
    session: Session, organization_id: UUID, *, limit: int
) -> list[RollupDifference]:
    """The hours whose groups are not what their events come to, as one snapshot sees both."""
    hours = Hours(organization_id=organization_id)
    rows = session.execute(
        text(_DIFFERENCES.format(computed=_computed(hours))),
        {**hours.parameters(), "limit": limit},
    )
    return [RollupDifference.of(row) for row in rows]


def _replace(session: Session, hours: Hours, which: str) -> None:
    session.execute(
        text(
            "DELETE FROM usage_group_rollup WHERE organization_id = :organization_id "  # noqa: S608  (constants)
            + which
        ),
        hours.parameters(),
    )
    session.execute(text(_WRITE.format(computed=_computed(hours))), hours.parameters())


def _computed(hours: Hours) -> str:
    event_hour, corrections = conditions_of(hours)
    return _COMPUTED.format(event_hour=event_hour, corrections=corrections)

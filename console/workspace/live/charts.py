"""Series of numbers, as tables that a script draws."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from console.workspace.asking import Member, Refused

MOST_METERS: Final = 3
BEFORE: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A number of a day."""

    on: str
    number: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Numbers of days in their order, and what they are."""

    title: str
    unit: str | None
    points: Sequence[Point]


async def list_usage(member: Member, subscription: Mapping[str, Any]) -> list[Series]:
    """The usage of each day of the running period and of a month before, of the first meters.

    Nothing for members who may not read usage.
    """
    try:
        used = await member.get(f"/subscriptions/{subscription['id']}/usage")
        meters = used["data"][:MOST_METERS]
        starts_at = datetime.fromisoformat(used["period_start"]) - BEFORE
        found = await asyncio.gather(
            *(
                member.get(
                    f"/meters/{one['meter_id']}/usage",
                    customer_id=subscription["customer_id"],
                    start_date=starts_at.isoformat(),
                    end_date=used["period_end"],
                )
                for one in meters
            )
        )
    except Refused:
        return []
    return [
        Series(
            title=one["name"],
            unit=one["unit"],
            points=[Point(on=day["period"], number=day["usage"]) for day in days["grouped_data"]],
        )
        for one, days in zip(meters, found, strict=True)
    ]

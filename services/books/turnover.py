"""Money in and out within some days: billed, given back, paid, refunded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput
from billing.periods import find_zone, start_of_day
from repositories.accounts import organizations as stored_organizations
from repositories.books import turnover as stored
from repositories.books.turnover import TurnoverRow

MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """What came to pass by currency, from one local day to another, both included."""

    first_day: date
    last_day: date
    rows: Sequence[TurnoverRow]


def read_turnover(
    session: Session,
    organization_id: UUID,
    first_day: date | None,
    last_day: date | None,
    *,
    now: datetime,
) -> Turnover:
    """From one local day of the organization to another; without them, of the running month.

    Raises InvalidInput ``empty_span`` or ``span_too_long``.
    """
    timezone = stored_organizations.get_organization(session, organization_id).timezone
    today = now.astimezone(find_zone(timezone)).date()
    last = last_day or max(today, first_day or today)
    first = first_day or last.replace(day=1)
    if last < first:
        raise InvalidInput("`to` must not lie before `from`.", code="empty_span", field="to")
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(
            f"At most {MOST_DAYS} days are summed at once.", code="span_too_long", field="from"
        )
    since = start_of_day(first, timezone)
    until = start_of_day(last + timedelta(days=1), timezone)
    rows = stored.read_turnover(session, organization_id, since=since, until=until)
    return Turnover(first_day=first, last_day=last, rows=rows)

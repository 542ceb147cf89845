"""The events that count in a span, one by one: in order, page by page, with what corrected them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSpan:
    """Whose events of which meter in [starts_at, ends_at), as they stood at a watermark.

    ``properties`` are those by which their bill prices, if it does.
    """

    organization_id: UUID
    customer_id: UUID
    meter_id: UUID
    starts_at: datetime
    ends_at: datetime
    watermark: int
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedEvent:
    """An event with the quantity that it counts with. ``distinct`` is what it is unique by.

    ``said`` is what it says of the ``properties`` that were asked for; None for one that it lacks.
    """

    id: UUID
    meter_id: UUID
    timestamp: datetime
    sequence: int
    quantity: Decimal
    distinct: str | None
    idempotency_key: str | None
    properties: tuple[str, ...] = ()
    said: Sequence[str | None] = ()


_CORRECTIONS: Final = latest_corrections(
    "made.organization_id = :organization_id AND made.customer_id = :customer_id"
    " AND made.meter_id = :meter_id"
    " AND made.timestamp >= :starts_at AND made.timestamp < :ends_at"
    " AND made.arrival_sequence <= :watermark"
)

_ROWS: Final = f"""
    SELECT event.id, event.meter_id, event.timestamp, event.arrival_sequence AS sequence,
        {QUANTITY} AS quantity, event.distinct_value AS distinct, event.idempotency_key,
        usage_group_values(event.meta_data, CAST(:properties AS text[])) AS said
    FROM usage_event AS event
    LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
    WHERE event.organization_id = :organization_id AND event.customer_id = :customer_id
        AND event.meter_id = :meter_id
        AND event.timestamp >= :starts_at AND event.timestamp < :ends_at
        AND event.arrival_sequence <= :watermark AND {COUNTS}
"""  # noqa: S608  (put together out of constants)

_PAGE: Final = text(
    f"{_ROWS} AND (event.timestamp, event.id) > (:starts_at, :after_id)"
    " ORDER BY event.timestamp, event.id LIMIT :limit"
)

_NEWEST: Final = text(f"{_ROWS} ORDER BY event.timestamp DESC, event.arrival_sequence DESC LIMIT 1")

_FIRST_ID: Final = UUID(int=0)


def list_counted(
    session: Session, span: CountedSpan, *, after_id: UUID = _FIRST_ID, limit: int
) -> list[CountedEvent]:
    """The first events of the span, in the order of their instants and ids.

    The next page is that of a span that starts at the last one's instant, after its id.
    """
    return _read(session, _PAGE, span, after_id=after_id, limit=limit)


def find_newest(session: Session, span: CountedSpan) -> CountedEvent | None:
    """The newest event of the span; of equally late ones that which arrived last."""
    return next(iter(_read(session, _NEWEST, span)), None)


def _read(
    session: Session, statement: TextClause, span: CountedSpan, **values: object
) -> list[CountedEvent]:
    named = {name: getattr(span, name) for name in CountedSpan.__dataclass_fields__}
    named["properties"] = list(span.properties)
    rows = session.execute(statement, {**named, **values}).mappings()
    return [CountedEvent(**row, properties=span.properties) for row in rows]

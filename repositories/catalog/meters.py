"""Meters, and their conversion to the terms that a plan version keeps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from billing.identifiers import MeterId
from billing.metering.aggregations import Aggregation, MeterTerms
from billing.metering.filters import parse_filters
from billing.pricing import UsagePricing
from models.catalog.meters import Meter
from repositories.asynchronous.prefetched import prefetchable
from repositories.pages import read_page


def insert_meter(session: Session, meter: Meter) -> None:
    """Store a new meter. Raises IntegrityError ``uq_meter_name``."""
    session.add(meter)
    session.flush()


def find_meter(session: Session, organization_id: UUID, meter_id: UUID) -> Meter | None:
    """The meter, or None. Deleted ones are still priced by older plan versions, so are included."""
    return session.get(Meter, (organization_id, meter_id))


def lock_meter(
    session: Session, organization_id: UUID, meter_id: UUID, *, share: bool = False
) -> Meter | None:
    """The meter with its row locked, or None. Deleted ones are included.

    A meter is locked before the plans that price by it, by everybody.
    """
    return session.exec(
        select(Meter)
        .where(Meter.organization_id == organization_id, Meter.id == meter_id)
        .with_for_update(read=share, key_share=not share)
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_meters(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Meter], int]:
    """A page of meters that are not deleted, oldest first, and how many there are."""
    matching = select(Meter).where(
        Meter.organization_id == organization_id, col(Meter.deleted_at).is_(None)
    )
    return read_page(session, matching, offset=offset, limit=limit)


@prefetchable
def list_meters_by_id(
    session: Session, organization_id: UUID, meter_ids: Collection[UUID]
) -> dict[UUID, Meter]:
    """The meters named, by their id, as they are in the database now."""
    rows = session.exec(
        select(Meter)
        .where(Meter.organization_id == organization_id, col(Meter.id).in_(meter_ids))
        .execution_options(populate_existing=True)
    )
    return {meter.id: meter for meter in rows}


def to_meter_terms(meter: Meter) -> MeterTerms:
    """The meter as a plan version keeps it."""
    return MeterTerms(
        meter_id=MeterId(meter.id),
        name=meter.name,
        aggregation=Aggregation(meter.aggregation_type),
        unit=meter.unit,
        unit_code=meter.unit_code,
        property_name=meter.property_name,
        filters=parse_filters(meter.filters),
        carry_forward=meter.carry_forward,
    )


def to_pricing_row(pricing: UsagePricing) -> dict[str, Any]:
    """A price model as it is stored, its numbers as text with the digits that they came with."""
    return {key: _to_text(value) for key, value in pricing.document().items()}


def _to_text(value: object) -> object:
    match value:
        case Decimal():
            return format(value, "f")
        case list():
            return [{key: _to_text(item) for key, item in row.items()} for row in value]
        case _:
            return value

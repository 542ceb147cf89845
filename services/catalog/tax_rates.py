"""Tax rates of an organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.tax_categories import TaxCategory
from billing.money import plain_text
from billing.quotas import Quota
from models.base import new_id
from models.catalog.tax_rates import TaxRate
from repositories.catalog import tax_rates as stored_tax_rates
from services.addresses import find_country
from services.audit_log import record
from services.quotas import require_room
from services.required import not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTaxRate:
    """A rate for a country, or for one state of it. Units: ``percentage`` 18 is 18 %."""

    name: str
    country: str
    percentage: Decimal
    state: str | None = None
    inclusive: bool = False
    category: TaxCategory | None = None
    exemption_reason: str | None = None


def create_tax_rate(
    session: Session, organization_id: UUID, command: CreateTaxRate, *, now: datetime
) -> TaxRate:
    """The rate applies to every invoice made from now on.

    Raises InvalidInput naming the field, Conflict ``quota_reached``.
    """
    require_room(session, organization_id, Quota.TAX_RATES)
    rate = TaxRate(
        organization_id=organization_id,
        id=new_id(),
        name=command.name,
        country=find_country(command.country, field="country"),
        state=command.state,
        percentage=command.percentage,
        inclusive=command.inclusive,
        category=command.category,
        exemption_reason=command.exemption_reason,
        created_at=now,
    )
    stored_tax_rates.to_tax_rate(rate)
    stored_tax_rates.insert_tax_rate(session, rate)
    record(
        session,
        organization_id,
        "tax_rate.created",
        "tax_rate",
        rate.id,
        after={"country": rate.country, "percentage": plain_text(rate.percentage)},
        now=now,
    )
    return rate


def delete_tax_rate(
    session: Session, organization_id: UUID, tax_rate_id: UUID, *, now: datetime
) -> None:
    """The rate applies to no new invoice; issued ones keep it. Raises NotFound."""
    rate = _require(stored_tax_rates.lock_tax_rate(session, organization_id, tax_rate_id))
    rate.deleted_at = now
    session.add(rate)
    session.flush()
    record(session, organization_id, "tax_rate.deleted", "tax_rate", rate.id, now=now)


def get_tax_rate(session: Session, organization_id: UUID, tax_rate_id: UUID) -> TaxRate:
    """The rate, unless it is deleted. Raises NotFound."""
    return _require(stored_tax_rates.find_tax_rate(session, organization_id, tax_rate_id))


def list_tax_rates(
    session: Session, organization_id: UUID, *, country: str | None, offset: int, limit: int
) -> tuple[Sequence[TaxRate], int]:
    """A page of rates that are not deleted, oldest first, and how many there are."""
    return stored_tax_rates.list_tax_rates(
        session, organization_id, country=country, offset=offset, limit=limit
    )


def _require(rate: TaxRate | None) -> TaxRate:
    if rate is None or rate.deleted_at is not None:
        raise not_found("Tax rate")
    return rate

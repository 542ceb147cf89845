"""Tax rates, and their conversion to the values that tax is computed with."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from billing.identifiers import TaxRateId
from billing.invoicing import taxes
from billing.invoicing.tax_categories import TaxCategory
from models.catalog.tax_rates import TaxRate
from repositories.asynchronous.prefetched import prefetchable
from repositories.pages import read_page


def insert_tax_rate(session: Session, tax_rate: TaxRate) -> None:
    """Store a new rate."""
    session.add(tax_rate)
    session.flush()


def lock_tax_rate(session: Session, organization_id: UUID, tax_rate_id: UUID) -> TaxRate | None:
    """The rate with its row locked, or None. Deleted ones are included."""
    return session.exec(
        select(TaxRate)
        .where(TaxRate.organization_id == organization_id, TaxRate.id == tax_rate_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_tax_rate(session: Session, organization_id: UUID, tax_rate_id: UUID) -> TaxRate | None:
    """The rate, or None. Deleted ones stay on issued invoices, so they are included."""
    return session.get(TaxRate, (organization_id, tax_rate_id))


def list_tax_rates(
    session: Session, organization_id: UUID, *, country: str | None, offset: int, limit: int
) -> tuple[Sequence[TaxRate], int]:
    """A page of rates that are not deleted, oldest first, and how many there are."""
    matching = select(TaxRate).where(
        TaxRate.organization_id == organization_id, col(TaxRate.deleted_at).is_(None)
    )
    if country is not None:
        matching = matching.where(TaxRate.country == country)
    return read_page(session, matching, offset=offset, limit=limit)


@prefetchable
def list_rates_in_force(session: Session, organization_id: UUID) -> list[taxes.TaxRate]:
    """Every rate that is not deleted, as values, oldest first."""
    rows = session.exec(
        select(TaxRate)
        .where(TaxRate.organization_id == organization_id, col(TaxRate.deleted_at).is_(None))
        .order_by(col(TaxRate.created_at), col(TaxRate.id))
    )
    return [to_tax_rate(row) for row in rows]


def to_tax_rate(row: TaxRate) -> taxes.TaxRate:
    """The row as the value that tax is computed with."""
    return taxes.TaxRate(
        tax_rate_id=TaxRateId(row.id),
        name=row.name,
        country=row.country,
        state=row.state,
        percentage=row.percentage,
        is_inclusive=row.inclusive,
        category=TaxCategory(row.category) if row.category else None,
        exemption_reason=row.exemption_reason,
    )

"""Units of credit, and wallets: the rows that make postings of a customer's credit take turns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from billing.currencies import MINOR_UNIT_EXPONENTS
from billing.units import Taxation, Unit, currency_unit
from models.credits.wallets import CreditUnit

WalletKey = tuple[UUID, UUID, str]
"""Organization, customer and unit."""

CustomerKey = tuple[UUID, UUID]
"""Organization and customer."""

OPEN = text(
    """
    INSERT INTO wallet (organization_id, customer_id, unit)
    SELECT asked.organization_id, asked.customer_id, asked.unit
    FROM unnest(
        CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[])
    ) AS asked (organization_id, customer_id, unit)
    ORDER BY asked.organization_id, asked.customer_id, asked.unit
    ON CONFLICT DO NOTHING
    """
)

LOCK = text(
    """
    SELECT organization_id, customer_id, unit FROM wallet
    WHERE (organization_id, customer_id, unit) IN (
        SELECT asked.organization_id, asked.customer_id, asked.unit
        FROM unnest(
            CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[])
        ) AS asked (organization_id, customer_id, unit)
    )
    ORDER BY organization_id, customer_id, unit
    FOR UPDATE
    """
)

LOCK_ALL = text(
    """
    SELECT organization_id, customer_id, unit FROM wallet
    WHERE (organization_id, customer_id) IN (
        SELECT asked.organization_id, asked.customer_id
        FROM unnest(CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]))
            AS asked (organization_id, customer_id)
    )
    ORDER BY organization_id, customer_id, unit
    FOR UPDATE
    """
)

ADD_UNIT = text(
    """
    INSERT INTO credit_unit (organization_id, code, name, scale, tax, created_at)
    VALUES (:organization_id, :code, :name, :scale, :tax, :now) ON CONFLICT DO NOTHING
    RETURNING true
    """
)


def wallets_at(presents: Mapping[WalletKey, datetime]) -> dict[str, list[object]]:
    """Wallets, each with an instant, as the arrays of a statement."""
    return {
        "organizations": [key[0] for key in presents],
        "customers": [key[1] for key in presents],
        "units": [key[2] for key in presents],
        "instants": [*presents.values()],
    }


def insert_unit(session: Session, unit: CreditUnit, *, now: datetime) -> bool:
    """Store a unit; False if there is one of its code."""
    values = unit.model_dump() | {"now": now}
    return session.execute(ADD_UNIT, values).scalar_one_or_none() is not None


def find_unit(session: Session, organization_id: UUID, code: str) -> CreditUnit | None:
    """The unit of that code, or None."""
    return session.get(CreditUnit, (organization_id, code))


def to_unit(row: CreditUnit) -> Unit:
    """The unit as a value."""
    return Unit(code=row.code, scale=row.scale, taxation=Taxation(row.tax))


def find_known_unit(session: Session, organization_id: UUID, code: str) -> Unit | None:
    """The unit of that code in any case of letters, which a currency is by itself, or None."""
    upper = code.strip().upper()
    row = find_unit(session, organization_id, upper)
    if row is not None:
        return to_unit(row)
    return currency_unit(upper) if upper in MINOR_UNIT_EXPONENTS else None


def list_units_by_code(
    session: Session, organization_id: UUID, codes: Collection[str]
) -> dict[str, Unit]:
    """The units of these codes that there are, by their codes."""
    found = session.exec(
        select(CreditUnit).where(
            CreditUnit.organization_id == organization_id, col(CreditUnit.code).in_(codes)
        )
    )
    return {row.code: to_unit(row) for row in found}


def list_units(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CreditUnit], int]:
    """A page of units, oldest first, and how many there are."""
    matching = select(CreditUnit).where(CreditUnit.organization_id == organization_id)
    total = session.exec(select(func.count()).select_from(matching.subquery())).one()
    ordered = matching.order_by(col(CreditUnit.created_at), col(CreditUnit.code))
    return session.exec(ordered.offset(offset).limit(limit)).all(), total


def open_wallets(session: Session, keys: Collection[WalletKey]) -> None:
    """There are wallets under these keys, and this transaction holds their locks."""
    session.execute(OPEN, _named(keys))
    lock_wallets(session, keys)


def lock_wallets(session: Session, keys: Collection[WalletKey]) -> list[WalletKey]:
    """Nobody else posts to those of these wallets that there are until the transaction ends.

    They are locked in order, before the customer's account, and so before the chain of receipts
    and the numbers.
    """
    session.flush()
    found = session.execute(LOCK, _named(keys))
    return [(row[0], row[1], row[2]) for row in found]


def _named(keys: Collection[WalletKey]) -> dict[str, list[object]]:
    return {
        "organizations": [key[0] for key in keys],
        "customers": [key[1] for key in keys],
        "units": [key[2] for key in keys],
    }


def lock_wallets_of(session: Session, customers: Collection[CustomerKey]) -> list[WalletKey]:
    """As :func:`lock_wallets`, every wallet that these customers have, in whatever unit."""
    session.flush()
    keys = {
        "organizations": [key[0] for key in customers],
        "customers": [key[1] for key in customers],
    }
    return [(row[0], row[1], row[2]) for row in session.execute(LOCK_ALL, keys)]

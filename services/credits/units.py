"""Units of credit: currencies, which are there already, and what an organization makes itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.units import Taxation, Unit
from models.credits.wallets import CreditUnit
from repositories.accounts import organizations as stored_organizations
from repositories.credits import wallets as stored_wallets
from services.audit_log import record


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUnit:
    """A unit with its finest part. Units: ``scale`` 2 is two decimal places."""

    code: str
    name: str
    scale: int
    tax: Taxation = Taxation.AT_USE


def create_unit(
    session: Session, organization_id: UUID, command: CreateUnit, *, now: datetime
) -> CreditUnit:
    """Credit can be granted in the unit, which never changes.

    Raises InvalidInput, which names the field; Conflict ``unit_exists``, also for a currency in
    which credit was granted already.
    """
    unit = Unit(code=command.code, scale=command.scale, taxation=command.tax)
    row = _row(organization_id, unit, command.name, now=now)
    if not stored_wallets.insert_unit(session, row, now=now):
        raise Conflict(f"There is a unit {unit.code}.", code="unit_exists", field="code")
    record(
        session,
        organization_id,
        "unit.created",
        "unit",
        None,
        after={"code": unit.code, "scale": unit.scale, "tax": unit.taxation},
        now=now,
    )
    return row


def list_units(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CreditUnit], int]:
    """A page of the units in which credit can be granted or was, oldest first."""
    return stored_wallets.list_units(session, organization_id, offset=offset, limit=limit)


def find_unit(session: Session, organization_id: UUID, code: str | None) -> Unit:
    """The unit of that code; a currency is one without anybody making it.

    None is the organization's currency. Raises NotFound ``unit_not_found``.
    """
    if code is None:
        code = stored_organizations.get_organization(session, organization_id).currency
    found = stored_wallets.find_known_unit(session, organization_id, code)
    if found is not None:
        return found
    raise NotFound("Unit not found.", code="unit_not_found", field="unit")


def store_unit(session: Session, organization_id: UUID, unit: Unit, *, now: datetime) -> None:
    """The unit has a row, which a currency gets as credit is first granted in it."""
    if unit.is_currency:
        row = _row(organization_id, unit, unit.code, now=now)
        stored_wallets.insert_unit(session, row, now=now)


def _row(organization_id: UUID, unit: Unit, name: str, *, now: datetime) -> CreditUnit:
    return CreditUnit(
        organization_id=organization_id,
        code=unit.code,
        name=name,
        scale=unit.scale,
        tax=unit.taxation,
        created_at=now,
    )

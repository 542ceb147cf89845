"""A plan as an edit would leave it: some charges more, some less, and nothing stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput, NotFound
from billing.rating.terms import PlanTerms
from models.catalog.plans import Charge, Plan
from repositories.catalog import meters as stored_meters
from repositories.catalog import plans as stored_plans
from services.catalog import charges, versions
from services.catalog.charges import AddCharge
from services.required import not_found, require_meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An edit of a plan's charges: what would be added, in order, and what deactivated."""

    add: Sequence[AddCharge] = ()
    deactivate: Sequence[UUID] = ()


def propose_terms(session: Session, plan: Plan, proposal: Proposal, *, now: datetime) -> PlanTerms:
    """The terms of the version that the edit would make.

    Raises NotFound and InvalidInput naming what of the proposal cannot be, as the edit itself does.
    """
    active = stored_plans.list_active_charges(session, plan.organization_id, plan.id)
    kept = _without(active, proposal.deactivate)
    added = []
    for place, command in enumerate(proposal.add):
        with _blaming(f"edit.add.{place}."):
            added.append(_draft(session, plan, command, now=now))
    try:
        return versions.build_terms(session, plan, (*kept, *added))
    except InvalidInput as error:
        field = _field_of(error.field or "", len(kept))
        raise InvalidInput(error.detail, code=error.code, field=field) from error


def _without(active: Sequence[Charge], deactivate: Collection[UUID]) -> list[Charge]:
    known = {one.id for one in active}
    for place, charge_id in enumerate(deactivate):
        if charge_id not in known:
            raise not_found("Charge", field=f"edit.deactivate.{place}")
    return [one for one in active if one.id not in deactivate]


def _draft(session: Session, plan: Plan, command: AddCharge, *, now: datetime) -> Charge:
    if command.meter_id is not None:
        found = stored_meters.find_meter(session, plan.organization_id, command.meter_id)
        require_meter(found, field="meter_id")
    return charges.draft_charge(session, plan, command, now=now)


@contextmanager
def _blaming(prefix: str) -> Iterator[None]:
    try:
        yield
    except (InvalidInput, NotFound) as error:
        field = None if error.field is None else f"{prefix}{error.field}"
        raise type(error)(error.detail, code=error.code, field=field) from error


def _field_of(field: str, kept: int) -> str:
    """What to blame: the charge that is added, or that one is missing which another needs."""
    parts = field.split(".")
    if len(parts) < 2 or not parts[1].isdigit():
        return field
    place = int(parts[1])
    if place < kept:
        return "edit.deactivate"
    return ".".join(("edit.add", str(place - kept), *parts[2:]))

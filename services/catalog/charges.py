"""Charges of plans: immutable facts that can only be deactivated.

Each edit leaves a version of the plan behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput, InvalidTransition, NotFound
from billing.money import find_currency, require_not_negative
from billing.periods import Interval
from billing.pricing import parse_pricing
from billing.rating.terms import (
    ChargeStatus,
    ChargeType,
    Effective,
    Shortfall,
    require_paid_or_blocked,
)
from billing.units import Unit
from models.base import new_id
from models.catalog.plans import Charge, Plan
from repositories.catalog import meters as stored_meters
from repositories.catalog import plans as stored_plans
from repositories.credits import wallets as stored_units
from services.audit_log import record
from services.catalog import group_prices, meter_claims
from services.catalog.edits import Edited, bring_forward, is_for_running, publish_edit
from services.catalog.meters import lock_meter_in_use
from services.catalog.plans import lock_plan
from services.required import not_found

NOTHING_MORE: Final[Mapping[str, object]] = {}
PRICED_BY: Final = (
    *("type", "display_name", "meter_id", "unit_price", "pricing", "included_units"),
    *("minimum", "maximum", "unit", "overage_rate", "shortfall", "group_by", "group_prices"),
)
"""What the audit log says of a charge when it begins and when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCharge:
    """A new price. ``pricing`` is a JSON document of the shape of CONTRACT 8.

    Units: ``unit_price``, ``minimum`` and ``maximum`` in major units of ``unit``, None meaning the
    plan's currency; ``overage_rate`` in that currency for one of ``unit``; ``included_units`` in
    the meter's unit, None meaning the allowance of the plan's feature on that meter.
    ``group_prices`` name the price of each combination of values of the properties ``group_by``.
    """

    type: ChargeType
    unit_price: Decimal | None = None
    meter_id: UUID | None = None
    pricing: object | None = None
    included_units: Decimal | None = None
    group_by: Sequence[str] | None = None
    group_prices: Sequence[Mapping[str, Any]] | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    display_name: str | None = None
    currency: str | None = None
    billing_interval: Interval | None = None
    unit: str | None = None
    overage_rate: Decimal | None = None
    shortfall: Shortfall = Shortfall.INVOICE


def add_charge(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    command: AddCharge,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[Charge]:
    """The plan has the charge, and a next version.

    Raises NotFound for an unknown plan, meter or unit, InvalidInput naming the field for what
    cannot be priced, Conflict ``meter_already_billed`` if an event would be billed twice
    (CONTRACT 86).
    """
    # The meter first: whoever edits its rules then finds this charge, or this one finds the rules.
    if command.meter_id is not None:
        lock_meter_in_use(session, organization_id, command.meter_id)
    plan = lock_plan(session, organization_id, plan_id)
    charge = draft_charge(session, plan, command, now=now)
    active = stored_plans.list_active_charges(session, organization_id, plan_id)
    stored_plans.insert_charge(session, charge)
    if command.meter_id is not None:
        meter_claims.claim_for_charge(
            session,
            plan,
            command.meter_id,
            from_running_period=is_for_running(session, organization_id, effective),
            now=now,
        )
    blame = {f"charges.{len(active)}.": ""}
    grouping = group_prices.grouping_of(charge)
    if grouping is not None and command.meter_id is not None:
        group_prices.tell_apart(session, organization_id, command.meter_id, grouping, now=now)
    reach = publish_edit(session, plan, blame, effective, now=now)
    _record(session, plan, charge, "charge.added", after=_price(charge), now=now)
    return Edited(result=charge, reach=reach)


def draft_charge(session: Session, plan: Plan, command: AddCharge, *, now: datetime) -> Charge:
    """The charge as the plan would have it; it is stored nowhere.

    Raises as :func:`add_charge`, for what the charge says by itself.
    """
    _check_charge(command, plan)
    unit = _find_unit(session, plan.organization_id, command)
    return _build_charge(session, plan, command, unit, now=now)


def set_charge_status(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    charge_id: UUID,
    status: ChargeStatus,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[Charge]:
    """The charge is deactivated and the plan has a next version. Repeating it changes nothing.

    Repeated for the running period it brings waiting edits forward.
    Raises NotFound, InvalidTransition from INACTIVE to ACTIVE.
    """
    plan = lock_plan(session, organization_id, plan_id)
    charge = stored_plans.find_charge(session, organization_id, plan_id, charge_id)
    if charge is None:
        raise not_found("Charge")
    if charge.status == status:
        return Edited(result=charge, reach=bring_forward(session, plan, effective, now=now))
    if charge.status == ChargeStatus.INACTIVE:
        raise InvalidTransition(
            "An INACTIVE charge does not become ACTIVE again; add a new one.", field="status"
        )
    charge.status = status
    charge.deactivated_at = now
    session.add(charge)
    session.flush()
    reach = publish_edit(session, plan, {"charges.": "status"}, effective, now=now)
    if charge.meter_id is not None:
        meter_claims.give_up_for_charge(
            session,
            plan,
            charge.meter_id,
            from_running_period=is_for_running(session, organization_id, effective),
            now=now,
        )
    _record(session, plan, charge, "charge.deactivated", before=_price(charge), now=now)
    return Edited(result=charge, reach=reach)


def _record(
    session: Session,
    plan: Plan,
    charge: Charge,
    action: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] = NOTHING_MORE,
    now: datetime,
) -> None:
    record(
        session,
        plan.organization_id,
        action,
        "charge",
        charge.id,
        before=before,
        after={"plan_id": plan.id, "version": plan.version, **after},
        now=now,
    )


def _price(charge: Charge) -> dict[str, object]:
    """What a charge costs, as the log tells it: what it does not say is left out."""
    said = {name: getattr(charge, name) for name in PRICED_BY}
    return {name: value for name, value in said.items() if value is not None}


def _check_charge(command: AddCharge, plan: Plan) -> None:
    require_not_negative(
        unit_price=command.unit_price,
        included_units=command.included_units,
        minimum=command.minimum,
        maximum=command.maximum,
        overage_rate=command.overage_rate,
    )
    if command.currency is not None and find_currency(command.currency).code != plan.currency:
        raise _refused(f"The plan's currency is {plan.currency}.", "currency")
    if command.billing_interval not in (None, Interval(plan.billing_interval)):
        raise _refused(f"The plan bills by {plan.billing_interval}.", "billing_interval")
    if (command.group_by is None) is not (command.group_prices is None):
        field = "group_prices" if command.group_prices is None else "group_by"
        raise _refused("group_by and group_prices come together.", field)
    if command.type is ChargeType.USAGE:
        if command.meter_id is None:
            raise _refused("A USAGE charge needs a meter_id.", "meter_id")
        return
    for field in ("meter_id", "pricing", "included_units", "group_by"):
        if getattr(command, field) is not None:
            raise _refused(f"A FIXED charge has no {field}.", field)
    if command.unit_price is None:
        raise _refused("A FIXED charge needs unit_price, its amount per period.", "unit_price")


def _build_charge(
    session: Session, plan: Plan, command: AddCharge, unit: Unit | None, *, now: datetime
) -> Charge:
    pricing = None
    if command.pricing is not None:
        pricing = stored_meters.to_pricing_row(parse_pricing(command.pricing))
    grouping = None
    if command.group_by is not None and command.group_prices is not None:
        grouping = group_prices.parse_grouping(command.group_by, command.group_prices)
    return Charge(
        organization_id=plan.organization_id,
        id=new_id(),
        plan_id=plan.id,
        position=stored_plans.count_charges(session, plan.organization_id, plan.id) + 1,
        type=command.type.value,
        unit_price=command.unit_price,
        meter_id=command.meter_id,
        pricing=pricing,
        group_by=None if grouping is None else list(grouping.properties),
        group_prices=None if grouping is None else group_prices.to_rows(grouping),
        included_units=command.included_units,
        minimum=command.minimum,
        maximum=command.maximum,
        display_name=command.display_name,
        unit=unit.code if unit is not None else None,
        overage_rate=command.overage_rate,
        shortfall=command.shortfall.value,
        created_at=now,
    )


def _find_unit(session: Session, organization_id: UUID, command: AddCharge) -> Unit | None:
    """The unit that the prices are in; None is the plan's currency."""
    unit = None
    if command.unit is not None:
        unit = stored_units.find_known_unit(session, organization_id, command.unit)
        if unit is None:
            raise NotFound("Unit not found.", code="unit_not_found", field="unit")
    require_paid_or_blocked(
        command.type, unit, overage_rate=command.overage_rate, shortfall=command.shortfall
    )
    return unit


def _refused(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_input", field=field)

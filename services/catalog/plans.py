"""Plans: create, edit, retire. Each edit leaves a version behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.money import find_currency
from billing.periods import Cadence, Interval
from billing.quotas import Quota
from billing.rating.terms import Effective, PlanType
from models.base import new_id
from models.catalog.plans import Plan
from repositories.catalog import features as stored_features
from repositories.catalog import plans as stored_plans
from repositories.catalog.shown import GrantedFeature, PlanContents
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.catalog import edits, versions
from services.catalog.edits import Edited, EditReach
from services.constraints import translating
from services.quotas import require_room
from services.required import require_plan

FIXED_BY_SUBSCRIPTIONS = frozenset({"billing_interval", "billing_interval_count", "currency"})
"""What cannot change while somebody is subscribed: their periods and amounts depend on it."""

AT_ONCE = frozenset({"name", "lookup_id", "description", "is_active", "trial_days"})
"""What no bill depends on, so that it acts at once (CONTRACT 95)."""

MAX_TRIAL_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDetails:
    """What a plan says of itself. Units: a billing period is ``count`` times ``interval``."""

    name: str
    lookup_id: str
    type: PlanType
    billing_interval: Interval
    currency: str
    billing_interval_count: int = 1
    trial_days: int = 0
    description: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan:
    """New values of the details named in ``given``; the others stay."""

    details: PlanDetails
    given: frozenset[str]


def create_plan(
    session: Session, organization_id: UUID, details: PlanDetails, *, now: datetime
) -> PlanContents:
    """The plan exists with its first version.

    Raises Conflict ``lookup_id_taken`` or ``quota_reached``, InvalidInput naming the field.
    """
    require_room(session, organization_id, Quota.PLANS)
    values = _values(details, PlanDetails.__slots__)
    plan = Plan(organization_id=organization_id, id=new_id(), created_at=now, **values)
    _check(plan)
    with _lookup_id_guarded(plan.lookup_id):
        stored_plans.insert_plan(session, plan)
    versions.publish(session, plan, now=now)
    record(session, organization_id, "plan.created", "plan", plan.id, now=now)
    return PlanContents(plan=plan)


def update_plan(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    command: UpdatePlan,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[PlanContents]:
    """The fields given have their new values, and the plan has a next version.

    The values that it has, asked for the running period, bring waiting edits forward.
    Raises NotFound, Conflict ``lookup_id_taken`` or ``plan_in_use``, InvalidInput naming the field.
    Repeating it changes nothing.
    """
    plan = lock_plan(session, organization_id, plan_id)
    before = {name: getattr(plan, name) for name in command.given}
    after = _values(command.details, command.given)
    changed = sorted(name for name in command.given if before[name] != after[name])
    if not changed:
        reach = edits.bring_forward(session, plan, effective, now=now)
        return Edited(result=read_contents(session, plan), reach=reach)
    _require_unsubscribed(session, plan, changed)
    for name in changed:
        setattr(plan, name, after[name])
    _check(plan)
    with _lookup_id_guarded(plan.lookup_id):
        try:
            edits.publish_next(session, plan, effective, now=now)
        except InvalidInput as error:
            raise _blamed(error, changed) from error
    record(
        session,
        organization_id,
        "plan.updated",
        "plan",
        plan.id,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        now=now,
    )
    reach = _reach_of(session, plan, changed, effective, now=now)
    return Edited(result=read_contents(session, plan), reach=reach)


def delete_plan(session: Session, organization_id: UUID, plan_id: UUID, *, now: datetime) -> None:
    """The plan is hidden and its ``lookup_id`` free again.

    Raises NotFound, Conflict ``plan_in_use`` while there are live subscriptions to it.
    """
    plan = lock_plan(session, organization_id, plan_id)
    live = stored_subscriptions.count_live_of_plan(session, organization_id, plan_id)
    if live:
        raise Conflict(
            f"{live} live subscriptions use the plan; set is_active to false to sell it no more.",
            code="plan_in_use",
        )
    plan.deleted_at = now
    session.add(plan)
    session.flush()
    record(session, organization_id, "plan.deleted", "plan", plan.id, now=now)


def lock_plan(session: Session, organization_id: UUID, plan_id: UUID) -> Plan:
    """The plan, unless deleted, with its row locked: edits happen one after the other.

    Raises NotFound.
    """
    return require_plan(stored_plans.lock_plan(session, organization_id, plan_id))


def read_contents(session: Session, plan: Plan) -> PlanContents:
    """The plan with what it charges and grants now."""
    granted = stored_plans.list_plan_features(session, plan.organization_id, plan.id)
    known = stored_features.list_features_by_id(
        session, plan.organization_id, {one.feature_id for one in granted}
    )
    return PlanContents(
        plan=plan,
        charges=tuple(stored_plans.list_active_charges(session, plan.organization_id, plan.id)),
        features=tuple(
            GrantedFeature(granted=one, feature=known[one.feature_id]) for one in granted
        ),
    )


def _values(details: PlanDetails, names: Iterable[str]) -> dict[str, Any]:
    return {name: _column_value(name, getattr(details, name)) for name in names}


def _column_value(name: str, value: object) -> object:
    match value:
        case PlanType() | Interval():
            return value.value
        case str() if name == "currency":
            return find_currency(value).code
        case _:
            return value


def _check(plan: Plan) -> None:
    if not 0 <= plan.trial_days <= MAX_TRIAL_DAYS:
        raise InvalidInput(
            f"trial_days must be 0 to {MAX_TRIAL_DAYS}.", code="out_of_range", field="trial_days"
        )
    try:
        Cadence(interval=Interval(plan.billing_interval), count=plan.billing_interval_count)
    except InvalidInput as error:
        raise InvalidInput(
            error.detail, code="out_of_range", field="billing_interval_count"
        ) from error


def _require_unsubscribed(session: Session, plan: Plan, changed: Sequence[str]) -> None:
    fixed = [name for name in changed if name in FIXED_BY_SUBSCRIPTIONS]
    if fixed and stored_subscriptions.count_live_of_plan(session, plan.organization_id, plan.id):
        raise Conflict(
            f"{fixed[0]} is fixed while live subscriptions use the plan. Make a new plan instead.",
            code="plan_in_use",
            field=fixed[0],
        )


def _reach_of(
    session: Session,
    plan: Plan,
    changed: Sequence[str],
    effective: Effective | None,
    *,
    now: datetime,
) -> EditReach:
    if AT_ONCE.issuperset(changed):
        live = stored_subscriptions.count_live_of_plan(session, plan.organization_id, plan.id)
        return EditReach(effective_from=now, subscriptions=live)
    return edits.reach_of(session, plan.organization_id, [plan.id], effective, now=now)


def _blamed(error: InvalidInput, changed: Sequence[str]) -> InvalidInput:
    # The charges were fine before, so it is what changed that they do not fit.
    candidates = ("type", "billing_interval", "billing_interval_count", "currency")
    field = next((name for name in candidates if name in changed), changed[0])
    return InvalidInput(error.detail, code=error.code, field=field)


def _lookup_id_guarded(lookup_id: str) -> AbstractContextManager[None]:
    return translating(
        "uq_plan_lookup_id",
        Conflict(
            f"Another plan has the lookup_id {lookup_id!r}.",
            code="lookup_id_taken",
            field="lookup_id",
        ),
    )

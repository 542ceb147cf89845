"""Edits of plans: each makes a version, and says which periods it reaches and from when.

An edit takes effect with the first period that begins after it, unless it says that it is for the
running period or the organization does; a plan without live subscriptions changes at once. Source:
CONTRACT 95.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput
from billing.rating.terms import Effective
from models.catalog.plans import Plan
from repositories import outbox as stored_outbox
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import edit_reach
from repositories.catalog import plans as stored_plans
from repositories.invoicing import term_progress as stored_terms
from repositories.outbox import NewMessage
from services.catalog import meter_claims, versions

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReach:
    """From when an edit is in effect, and how many live subscriptions it meets.

    ``effective_from`` is the earliest begin of a period among them, the instant of the edit where
    it meets none.
    """

    effective_from: datetime
    subscriptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Generic[T]):
    """What an edit left behind, and what it reaches."""

    result: T
    reach: EditReach


def reach_nobody(*, now: datetime) -> EditReach:
    """What an edit reaches that changes nothing."""
    return EditReach(effective_from=now, subscriptions=0)


def reach_of(
    session: Session,
    organization_id: UUID,
    plan_ids: Iterable[UUID],
    effective: Effective | None,
    *,
    now: datetime,
) -> EditReach:
    """What an edit of these plans reaches that was just made."""
    edited = list(plan_ids)
    if not edited:
        return reach_nobody(now=now)
    first_begin, met = edit_reach.measure_reach(
        session,
        organization_id,
        edited,
        is_running=is_for_running(session, organization_id, effective),
        now=now,
    )
    return EditReach(effective_from=first_begin or now, subscriptions=met)


def is_for_running(session: Session, organization_id: UUID, effective: Effective | None) -> bool:
    """Whether an edit reaches running periods: if it says so, or else the organization does."""
    if effective is None:
        organization = stored_organizations.get_organization(session, organization_id)
        effective = Effective(organization.plan_edits)
    return effective is Effective.RUNNING_PERIOD


def publish_next(
    session: Session, plan: Plan, effective: Effective | None, *, now: datetime
) -> None:
    """The plan as it stands is its next version, and bills the open periods that it reaches.

    The caller holds the plan's lock, which every period takes that opens or goes on after a cut:
    it is either among those that are moved, or opens with this version as far as it is for it.
    """
    is_running = is_for_running(session, plan.organization_id, effective)
    plan.version += 1
    session.add(plan)
    session.flush()
    reached = Effective.RUNNING_PERIOD if is_running else Effective.NEXT_PERIOD
    versions.publish(session, plan, effective=reached, now=now)
    edit_reach.move_open_periods(
        session, plan.organization_id, plan.id, plan.version, is_running=is_running, now=now
    )
    settle_ended_terms(session, plan, now=now)
    if is_running:
        meter_claims.follow_running_edit(session, plan, now=now)


def settle_ended_terms(
    session: Session, plan: Plan, *, subscription_id: UUID | None = None, now: datetime
) -> None:
    """Terms that end with a bill, now that the open period is without the commitment, are settled.

    Of one subscription, or of all that the plan's newest version bills. Source: CREDITS 22.
    """
    waiting = stored_terms.mark_ended_terms(
        session,
        plan.organization_id,
        plan.id,
        plan.version,
        subscription_id=subscription_id,
        now=now,
    )
    stored_outbox.insert_messages(
        session,
        stored_outbox.WAKE_MESSAGE,
        [
            NewMessage(organization_id=plan.organization_id, payload={"subscription_id": str(one)})
            for one in waiting
        ],
        now=now,
    )


def publish_edit(
    session: Session,
    plan: Plan,
    blame: Mapping[str, str],
    effective: Effective | None,
    *,
    now: datetime,
) -> EditReach:
    """The plan as it stands is its next version; the caller holds the plan's lock.

    ``blame`` names the input to blame where an error lies at a path that starts like its key; an
    empty name means the rest of that path. Raises InvalidInput.
    """
    try:
        publish_next(session, plan, effective, now=now)
    except InvalidInput as error:
        field = error.field or ""
        for prefix, input_field in blame.items():
            if field.startswith(prefix):
                field = input_field or field.removeprefix(prefix)
        raise InvalidInput(error.detail, code=error.code, field=field) from error
    return reach_of(session, plan.organization_id, [plan.id], effective, now=now)


def bring_forward(
    session: Session, plan: Plan, effective: Effective | None, *, now: datetime
) -> EditReach:
    """What was edited for the next period bills the running ones, by a version of its own.

    For an edit that changes nothing of the plan and asks for the running period by itself; any
    other reaches nobody. The caller holds the plan's lock. Idempotent by the versions of periods.
    """
    if effective is not Effective.RUNNING_PERIOD or not edit_reach.has_running_before(
        session, plan.organization_id, plan.id, plan.version, now=now
    ):
        return reach_nobody(now=now)
    publish_next(session, plan, effective, now=now)
    return reach_of(session, plan.organization_id, [plan.id], effective, now=now)


def republish(
    session: Session,
    organization_id: UUID,
    plan_ids: Iterable[UUID],
    effective: Effective | None,
    *,
    field: str,
    now: datetime,
) -> EditReach:
    """Each plan whose terms are no longer what its newest version says has a next version.

    ``plan_ids`` come in the order in which plans are locked. Raises InvalidInput at ``field``, the
    input to blame, if one of them could not be priced any more. Idempotent by the terms.
    """
    edited = []
    for plan_id in plan_ids:
        plan = stored_plans.lock_plan(session, organization_id, plan_id)
        if plan is None or plan.deleted_at is not None:
            continue
        try:
            if versions.is_published(session, plan):
                continue
            publish_next(session, plan, effective, now=now)
            edited.append(plan_id)
        except InvalidInput as error:
            raise InvalidInput(
                f"Plan {plan.lookup_id!r} could not be priced: {error.detail}",
                code=error.code,
                field=field,
                plan_id=str(plan_id),
            ) from error
    return reach_of(session, organization_id, edited, effective, now=now)

"""No instant is billed twice: what a customer's subscriptions charge of a meter never overlaps.

Events carry no subscription. So each subscription claims the meters that its plan charges, from
its start, trials and pauses included, to its end, where one is planned. A constraint of the
database keeps claims of one customer apart; claims outlive their subscription. Source: CONTRACT 86.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.receipts import instant_text
from billing.running_boundary import boundary_of
from billing.subscriptions import has_ended, is_live
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import meter_claims as stored_meter_claims
from repositories.catalog import plans as stored_plans
from repositories.catalog import versions as stored_versions
from repositories.catalog.meter_claims import ClaimedSpan, Spans
from services.constraints import violated_constraint


def claim_onwards(
    session: Session,
    subscription: Subscription,
    *,
    since: datetime | None = None,
    field: str | None = None,
) -> None:
    """From ``since`` on the subscription claims what it will charge as things stand.

    Without ``since`` that is from the end of what runs now, which goes on as it is. An ended one
    claims nothing. Raises Conflict ``meter_already_billed``. Idempotent.
    """
    since = since or _boundary_of(subscription)
    # Shared, so that an edit of the plan meets the subscription as it is after this.
    for plan_id in sorted(filter(None, {subscription.plan_id, subscription.next_plan_id})):
        stored_plans.lock_plan(session, subscription.organization_id, plan_id, share=True)
    session.flush()
    wanted = _claimed_spans(subscription, since, _running_version(session, subscription))
    with _refusing_overlaps(session, wanted, field=field):
        stored_meter_claims.give_up(session, _rest_of(subscription, since))
        for spans in wanted:
            stored_meter_claims.claim(session, spans)


def claim_for_charge(
    session: Session, plan: Plan, meter_id: UUID, *, from_running_period: bool, now: datetime
) -> None:
    """Every live subscription that a new charge of the plan meets claims its meter.

    Raises Conflict ``meter_already_billed`` if one of their customers' others charges it meanwhile.
    The caller holds the plan's lock.
    """
    spans = _spans_of_edit(plan, [meter_id], from_running_period=from_running_period, now=now)
    with _refusing_overlaps(session, [spans], field="meter_id"):
        stored_meter_claims.claim(session, spans)


def give_up_for_charge(
    session: Session, plan: Plan, meter_id: UUID, *, from_running_period: bool, now: datetime
) -> None:
    """No subscription claims a meter that its plan has ceased to charge, unless its version does.

    Periods that have begun still charge it, unless the edit is for them (CONTRACT 95). The caller
    holds the plan's lock.
    """
    if meter_id in stored_plans.list_charged_meters(session, plan.organization_id, plan.id):
        return
    spans = _spans_of_edit(
        plan, [meter_id], from_running_period=from_running_period, gives_up=True, now=now
    )
    stored_meter_claims.give_up(session, spans)


def claim_opened(
    session: Session, subscription: Subscription, *, since: datetime, edited_at: datetime
) -> None:
    """A period that opened after its plan was edited claims what its version charges.

    What edits did not give up for a subscription with missed periods is given up now. Idempotent.
    """
    if subscription.test_clock_id is not None or edited_at >= since:
        claim_onwards(session, subscription, since=since)


def follow_running_edit(session: Session, plan: Plan, *, now: datetime) -> None:
    """Running periods that an edit moves to the newest version claim what that one charges.

    It brings along what earlier edits had left for the next period. Raises Conflict
    ``meter_already_billed``. The caller holds the plan's lock.
    """
    deferred = set(
        stored_meter_claims.list_deferred_meters(
            session, plan.organization_id, plan.id, plan.version
        )
    )
    charged = set(stored_plans.list_charged_meters(session, plan.organization_id, plan.id))
    if ceased := deferred - charged:
        spans = _spans_of_edit(plan, ceased, from_running_period=True, gives_up=True, now=now)
        stored_meter_claims.give_up(session, spans)
    if begun := deferred & charged:
        spans = _spans_of_edit(plan, begun, from_running_period=True, now=now)
        with _refusing_overlaps(session, [spans], field=None):
            stored_meter_claims.claim(session, spans)


def _boundary_of(subscription: Subscription) -> datetime:
    return boundary_of(
        subscription.status,
        trial_ends_at=subscription.trial_end_date,
        period_ends_at=subscription.current_period_end,
    )


def _claimed_spans(
    subscription: Subscription, since: datetime, running_version: int | None
) -> Sequence[Spans]:
    if not is_live(subscription.status, subscription.deleted_at):
        return []
    boundary = _boundary_of(subscription)
    found: list[tuple[UUID, int | None, datetime, datetime | None]] = []
    if since < boundary:
        version = running_version or subscription.plan_version
        found.append((subscription.plan_id, version, since, boundary))
    if not subscription.cancel_at_period_end:
        changes_to = subscription.next_plan_id
        version = subscription.plan_version if changes_to is None else None
        found.append((changes_to or subscription.plan_id, version, max(since, boundary), None))
    return [
        stored_meter_claims.spans_of_plan(
            subscription.organization_id,
            customer_id=subscription.customer_id,
            subscription_id=subscription.id,
            plan_id=plan_id,
            version=version,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        for plan_id, version, starts_at, ends_at in found
    ]


def _running_version(session: Session, subscription: Subscription) -> int | None:
    """What the running period is billed by, which need not be the newest; None in a trial."""
    index = subscription.current_period_index
    if index is None or has_ended(subscription.status):
        return None
    return stored_versions.find_version_of_period(
        session, subscription.organization_id, subscription.id, index
    )


def _rest_of(subscription: Subscription, since: datetime) -> Spans:
    return stored_meter_claims.spans_of_rest(
        subscription.organization_id,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        at=since,
    )


def _spans_of_edit(
    plan: Plan,
    meter_ids: Collection[UUID],
    *,
    from_running_period: bool,
    gives_up: bool = False,
    now: datetime,
) -> Spans:
    return stored_meter_claims.spans_of_edit(
        plan.organization_id,
        plan_id=plan.id,
        meter_ids=meter_ids,
        from_running_period=from_running_period,
        spares_missed=gives_up,
        now=now,
    )


@contextmanager
def _refusing_overlaps(
    session: Session, wanted: Sequence[Spans], *, field: str | None
) -> Iterator[None]:
    """Inside the block, the constraint's refusal is a Conflict that says who is in the way."""
    try:
        # Up to a savepoint, so that the one in the way can still be read.
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if violated_constraint(error) != stored_meter_claims.OVERLAP:
            raise
        found = [stored_meter_claims.find_conflicting_claim(session, spans) for spans in wanted]
        conflict = max((one for one in found if one is not None), key=_end_of, default=None)
        if conflict is None:
            raise
        raise _refusal(conflict, field) from error


def _end_of(conflict: ClaimedSpan) -> datetime:
    return conflict.ends_at or datetime.max.replace(tzinfo=UTC)


def _refusal(conflict: ClaimedSpan, field: str | None) -> Conflict:
    free_from = None if conflict.ends_at is None else instant_text(conflict.ends_at)
    until = "without a planned end" if free_from is None else f"until {free_from}"
    return Conflict(
        f"Subscription {conflict.subscription_id} charges the customer's usage of meter"
        f" {conflict.meter_id} {until}; no instant is billed twice.",
        code="meter_already_billed",
        field=field,
        subscription_id=str(conflict.subscription_id),
        free_from=free_from,
    )

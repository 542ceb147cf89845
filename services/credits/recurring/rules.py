"""Rules that grant a customer credit again and again: made, shown, ended. Source: CREDITS 7."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import Rollover
from billing.credits.grants import DEFAULT_PRIORITY, EVERYTHING, Grant, GrantKind, Scope
from billing.credits.purchases import Cost, require_terms
from billing.credits.recurring import Recurrence
from billing.date_limits import EARLIEST_CLOCK, LATEST_CLOCK, require_between
from billing.errors import Conflict, InvalidInput
from billing.money import ZERO
from billing.periods import Anchor, Cadence
from billing.subscriptions import is_live
from billing.units import Unit
from models.base import new_id
from models.credits.grant_rules import CreditGrantRule
from models.customers import Customer
from repositories.accounts import organizations as stored_organizations
from repositories.credits import grant_rules as stored_rules
from repositories.credits import wallets as stored_wallets
from repositories.credits.wallets import WalletKey
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.credits import posting, units
from services.credits.grants import stored_rollover
from services.credits.recurring import occurrences
from services.credits.scopes import require_scope
from services.credits.standing import find_customer
from services.required import not_found
from services.subscriptions import agenda, clocks

MOST_RULES: Final = 100
"""How many a wallet has that go on."""

BY_PERSON: Final = "person"
CUSTOMER_DELETED: Final = "customer_deleted"
"""Why a rule is over; another word is the code of what kept its credit from being sold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrantRule:
    """Credit to be granted again and again. ``anchor`` None is the customer's present."""

    unit: str
    amount: Decimal
    interval: Cadence
    anchor: datetime | None = None
    expires_after: Cadence | None = None
    ends_at: datetime | None = None
    kind: GrantKind = GrantKind.FREE
    cost: Cost | None = None
    priority: int = DEFAULT_PRIORITY
    applies_to: Scope = EVERYTHING
    rollover: Rollover | None = None
    reason: str | None = None


def create_rule(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: NewGrantRule,
    *,
    now: datetime,
) -> CreditGrantRule:
    """Credit is granted at the anchor and every interval from there on; what is due is there.

    Raises NotFound; InvalidInput, which names the field; Conflict ``too_many_grant_rules``. A
    repeat is told by its Idempotency-Key.
    """
    customer = find_customer(session, organization_id, customer_id)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    unit = units.find_unit(session, organization_id, command.unit)
    require_scope(session, organization_id, command.applies_to)
    rule = _new_rule(session, customer, command, unit, at=at, now=now)
    require_terms(command.kind, command.cost, None)
    recurrence = occurrences.recurrence_of(rule)
    _require_sense(recurrence, rule, unit, at=at)
    units.store_unit(session, organization_id, unit, now=now)
    key = (organization_id, customer.id, unit.code)
    posting.lock_wallet(session, key, at=at, now=now)
    _require_room(session, key)
    rule.next_at = recurrence.begins_at(0)
    stored_rules.insert(session, rule)
    occurrences.store_due(session, key, at=at, now=now)
    _record(session, rule, "grant_rule.created", now=now)
    _wake(session, rule, now=now)
    return rule


def end_rule(
    session: Session, organization_id: UUID, customer_id: UUID, rule_id: UUID, *, now: datetime
) -> None:
    """Nothing is granted by the rule from the customer's present on; what was granted stays.

    Raises NotFound ``grant_rule_not_found``. A repeat changes nothing.
    """
    customer = find_customer(session, organization_id, customer_id)
    found = require_rule(session, organization_id, customer_id, rule_id)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    key = (organization_id, found.customer_id, found.unit)
    posting.lock_wallet(session, key, at=at, now=now)
    occurrences.store_due(session, key, at=at, now=now)
    rule = require_rule(session, organization_id, customer_id, rule_id)
    if rule.ended_at is None:
        end(session, rule, because=BY_PERSON, at=at, now=now)
        _wake(session, rule, now=now)


def end(
    session: Session, rule: CreditGrantRule, *, because: str, at: datetime, now: datetime
) -> None:
    """The rule is over, and says why. Its wallet is locked."""
    rule.ended_at, rule.ended_because, rule.next_at = at, because, None
    stored_rules.insert(session, rule)
    _record(session, rule, "grant_rule.ended", now=now)


def end_of_deleted(
    session: Session, organization_id: UUID, customer_id: UUID, *, at: datetime, now: datetime
) -> None:
    """No rule of a customer who is deleted grants any more; what was given by then is there.

    What was to be sold is not: nobody is left to pay for it. Locks the customer's wallets.
    """
    for key in stored_wallets.lock_wallets_of(session, [(organization_id, customer_id)]):
        occurrences.store_due(session, key, at=at, now=now)
        for rule in stored_rules.list_going_on(session, key):
            end(session, rule, because=CUSTOMER_DELETED, at=at, now=now)


def end_due(session: Session, key: WalletKey, *, because: str, at: datetime, now: datetime) -> None:
    """Rules of a locked wallet that are due are over instead."""
    for kind in GrantKind:
        for rule in stored_rules.list_due(session, [key], kind=kind, at=at):
            end(session, rule, because=because, at=at, now=now)


def _require_room(session: Session, key: WalletKey) -> None:
    """Return if the locked wallet may have one more rule, since whoever moves credit asks them all.

    Raises Conflict ``too_many_grant_rules``.
    """
    if len(stored_rules.list_going_on(session, key)) >= MOST_RULES:
        raise Conflict(
            f"A customer has at most {MOST_RULES} grant rules in {key[2]} that go on; end one.",
            code="too_many_grant_rules",
            field="unit",
        )


def _new_rule(
    session: Session,
    customer: Customer,
    command: NewGrantRule,
    unit: Unit,
    *,
    at: datetime,
    now: datetime,
) -> CreditGrantRule:
    zone = stored_organizations.get_organization(session, customer.organization_id).timezone
    anchor, after = command.anchor or at, command.expires_after
    rollover = command.rollover
    if rollover is not None:
        rollover.require_scale(unit)
        rollover = replace(rollover, calendar=Anchor(starts_at=anchor, timezone=zone))
    return CreditGrantRule(
        organization_id=customer.organization_id,
        id=new_id(),
        customer_id=customer.id,
        unit=unit.code,
        amount=command.amount,
        kind=command.kind,
        cost_amount=ZERO if command.cost is None else command.cost.amount,
        cost_currency=None if command.cost is None else command.cost.currency,
        priority=command.priority,
        meter_ids=sorted(command.applies_to.meter_ids),
        charge_ids=sorted(command.applies_to.charge_ids),
        interval=command.interval.interval,
        interval_count=command.interval.count,
        anchor=anchor,
        timezone=zone,
        expires_interval=None if after is None else after.interval,
        expires_count=None if after is None else after.count,
        rollover=None if rollover is None else stored_rollover(rollover),
        ends_at=command.ends_at,
        reason=command.reason,
        created_at=now,
    )


def _require_sense(
    recurrence: Recurrence, rule: CreditGrantRule, unit: Unit, *, at: datetime
) -> None:
    """Return if its grants could be granted. Raises InvalidInput, which names the field."""
    require_between(rule.anchor, EARLIEST_CLOCK, LATEST_CLOCK, field="anchor")
    if rule.ends_at is not None and rule.ends_at <= rule.anchor:
        raise InvalidInput(
            "A rule ends after its anchor.", code="ends_before_it_begins", field="ends_at"
        )
    if rule.rollover is not None and rule.expires_count is None:
        raise InvalidInput(
            "What never expires does not roll over: say expires_after.",
            code="rollover_without_expiry",
            field="rollover",
        )
    recurrence.require_bounded(at)
    if rule.kind == GrantKind.PAID:
        recurrence.require_sellable(at)
    Grant(
        grant_id=rule.id,
        sequence=1,
        unit=unit,
        amount=rule.amount,
        kind=GrantKind(rule.kind),
        effective_at=rule.anchor,
        priority=rule.priority,
    )


def require_rule(
    session: Session, organization_id: UUID, customer_id: UUID, rule_id: UUID
) -> CreditGrantRule:
    """The customer's rule of that id. Raises NotFound ``grant_rule_not_found``."""
    found = stored_rules.find_rule(session, organization_id, rule_id)
    if found is None or found.customer_id != customer_id:
        raise not_found("Grant rule")
    return found


def _wake(session: Session, rule: CreditGrantRule, *, now: datetime) -> None:
    """The workflow of a subscription that goes on knows when the next grant begins.

    One is enough; others read it with whatever they do next.
    """
    organization_id = rule.organization_id
    found = stored_subscriptions.list_of_customer(
        session, organization_id, rule.customer_id, limit=1
    )
    live = [one.id for one in found if is_live(one.status, one.deleted_at)]
    agenda.wake_workflows(session, organization_id, live, now=now)


def _record(session: Session, rule: CreditGrantRule, action: str, *, now: datetime) -> None:
    record(
        session,
        rule.organization_id,
        action,
        "grant_rule",
        rule.id,
        after={
            "customer_id": rule.customer_id,
            "unit": rule.unit,
            "amount": rule.amount,
            "kind": rule.kind,
            "interval": rule.interval,
            "interval_count": rule.interval_count,
            "reason": rule.reason,
            "ended_because": rule.ended_because,
        },
        now=now,
    )

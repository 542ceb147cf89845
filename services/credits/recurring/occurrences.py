"""The grants of rules: known to every read once they have begun, stored by whoever moves credit.

Nothing needs to run at their instant. A read counts what is due and not stored under the id that it
will have; whoever locks the wallet stores it, dated as it was. Source: CREDITS 5 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from billing.credits.grants import GrantKind, Spendable
from billing.credits.ledger import CreditPostingKind, key_of_grant
from billing.credits.recurring import Occurrence, Recurrence, id_of
from billing.notifications.events import WebhookEvent
from billing.periods import Anchor, Cadence, Interval
from models.credits.grant_rules import CreditGrantRule
from models.credits.grants import CreditGrant
from repositories.credits import grant_rules as stored_rules
from repositories.credits import grants as stored_grants
from repositories.credits.wallets import WalletKey
from services.announcements import announce_credit
from services.credits import posting
from services.credits.posting import Movement


def recurrence_of(rule: CreditGrantRule) -> Recurrence:
    """When the grants of a rule begin and end."""
    expires_after = None
    if rule.expires_interval is not None and rule.expires_count is not None:
        expires_after = Cadence(interval=Interval(rule.expires_interval), count=rule.expires_count)
    return Recurrence(
        anchor=Anchor(starts_at=rule.anchor, timezone=rule.timezone),
        cadence=Cadence(interval=Interval(rule.interval), count=rule.interval_count),
        expires_after=expires_after,
        ends_at=rule.ends_at,
    )


def list_due(
    session: Session, presents: Mapping[WalletKey, datetime]
) -> dict[WalletKey, list[CreditGrant]]:
    """What rules have granted by its present and nobody has stored yet, of each of these wallets.

    In the order in which it will be stored; read it before what is stored, and leave out what is
    there by then: else what is stored in between is missed.
    """
    if not presents:
        return {}
    by_wallet: dict[WalletKey, list[CreditGrantRule]] = {}
    latest = max(presents.values())
    for rule in stored_rules.list_due(session, presents, kind=GrantKind.FREE, at=latest):
        by_wallet.setdefault((rule.organization_id, rule.customer_id, rule.unit), []).append(rule)
    granted = {
        key: [grant_of(rule, one, now=at) for rule, one in _in_order(rules, at=at)]
        for key, rules in by_wallet.items()
        for at in [presents[key]]
    }
    return {key: found for key, found in granted.items() if found}


def list_to_come(session: Session, key: WalletKey, *, at: datetime) -> list[CreditGrant]:
    """As :func:`list_due`, of one wallet at an instant that somebody names, however far away.

    Raises InvalidInput ``too_many_to_come``: a request counts no grants of thousands of years.
    """
    for rule in stored_rules.list_due(session, [key], kind=GrantKind.FREE, at=at):
        recurrence_of(rule).require_countable(rule.made, at)
    return list_due(session, {key: at}).get(key, [])


def store_due(session: Session, key: WalletKey, *, at: datetime, now: datetime) -> int:
    """What rules of a locked wallet have granted by that instant is stored; how much it was.

    Idempotent by the rule and the number (``uq_credit_grant_occurrence``).
    """
    rules = stored_rules.list_due(session, [key], kind=GrantKind.FREE, at=at)
    made = [grant_of(rule, one, now=now) for rule, one in _in_order(rules, at=at)]
    for rule in rules:
        move_on(rule, at=at)
        session.add(rule)
    stored_grants.insert_grants(session, made)
    posting.post(session, [_granted(one) for one in made], now=now)
    granted = WebhookEvent.CREDIT_GRANTED
    for one in made:
        announce_credit(session, one, granted, one.amount, at=one.effective_at, now=now)
    return len(made)


def store_due_of(
    session: Session, presents: Mapping[WalletKey, datetime], *, now: datetime
) -> None:
    """As :func:`store_due`, of locked wallets with their customers' presents."""
    if not presents:
        return
    latest = max(presents.values())
    due = stored_rules.list_due(session, presents, kind=GrantKind.FREE, at=latest)
    for key in sorted({(one.organization_id, one.customer_id, one.unit) for one in due}):
        store_due(session, key, at=presents[key], now=now)


def move_on(rule: CreditGrantRule, *, at: datetime) -> None:
    """What has begun by that instant is behind the rule."""
    recurrence = recurrence_of(rule)
    rule.made += sum(1 for _ in recurrence.due(rule.made, at))
    rule.next_at = recurrence.begins_at(rule.made)


def _in_order(
    rules: Sequence[CreditGrantRule], *, at: datetime
) -> Iterator[tuple[CreditGrantRule, Occurrence]]:
    """What each has granted by that instant, by when it began; of one instant as the rules."""
    due = [
        (one.begins_at, place, rule, one)
        for place, rule in enumerate(rules)
        for one in recurrence_of(rule).due(rule.made, at)
        if not one.is_empty
    ]
    due.sort(key=lambda entry: entry[:2])
    return ((rule, one) for _, _, rule, one in due)


def grant_of(rule: CreditGrantRule, one: Occurrence, *, now: datetime) -> CreditGrant:
    """An occurrence as a grant that is not stored yet; one that is sold waits for its payment."""
    is_sold = rule.kind == GrantKind.PAID
    return CreditGrant(
        organization_id=rule.organization_id,
        id=id_of(rule.id, one.number),
        customer_id=rule.customer_id,
        unit=rule.unit,
        sequence=1,
        amount=rule.amount,
        kind=rule.kind,
        priority=rule.priority,
        effective_at=one.begins_at,
        expires_at=one.expires_at,
        meter_ids=rule.meter_ids,
        charge_ids=rule.charge_ids,
        cost_amount=rule.cost_amount,
        cost_currency=rule.cost_currency,
        spendable=Spendable.ON_PAYMENT if is_sold else Spendable.AT_ONCE,
        rollover=rule.rollover,
        reason=rule.reason,
        rule_id=rule.id,
        occurrence=one.number,
        created_at=now,
    )


def _granted(grant: CreditGrant) -> Movement:
    return Movement(
        grant=grant,
        kind=CreditPostingKind.GRANTED,
        amount=grant.amount,
        key=key_of_grant(grant.id),
        at=grant.effective_at,
    )

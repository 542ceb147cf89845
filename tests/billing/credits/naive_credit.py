"""Credit as a child would count it: coin by coin, by rules that are written out once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.credits.drawing import DrawableLine, Lot
from billing.credits.grants import Grant, GrantKind
from billing.identifiers import ChargeId, MeterId


def pile_up(totals: Sequence[int]) -> list[int]:
    """Of each part of a line its coins: they are laid on a pile, and taken from its top."""
    pile: list[int] = []
    for part, total in enumerate(totals):
        while len(pile) < total:
            pile.append(part)
        while len(pile) > max(total, 0):
            pile.pop()
    return [pile.count(part) for part in range(len(totals))]


def pay(lines: Sequence[DrawableLine], lots: Sequence[Lot]) -> dict[tuple[object, int], int]:
    """Each coin of each line is paid by the first grant that may and has one left."""
    coins = {lot.grant.grant_id: int(lot.rest) for lot in lots}
    paid: dict[tuple[object, int], int] = {}
    for line in lines:
        for segment in line.segments:
            for _ in range(int(segment.amount)):
                may = [
                    lot.grant
                    for lot in lots
                    if coins[lot.grant.grant_id]
                    and may_pay(lot.grant, line.charge_id, line.meter_id, segment.used_at)
                ]
                if not may:
                    continue
                grant = first_of(may)
                coins[grant.grant_id] -= 1
                key = (grant.grant_id, line.position)
                paid[key] = paid.get(key, 0) + 1
    return paid


def may_pay(
    grant: Grant, charge_id: ChargeId | None, meter_id: MeterId | None, at: datetime
) -> bool:
    """Whether the grant lives then and is for that."""
    if at < grant.effective_at:
        return False
    if grant.expires_at is not None and at >= grant.expires_at:
        return False
    for_all = not grant.applies_to.meter_ids and not grant.applies_to.charge_ids
    for_this = meter_id in grant.applies_to.meter_ids or charge_id in grant.applies_to.charge_ids
    return for_all or for_this


def first_of(grants: Sequence[Grant]) -> Grant:
    """Who pays first: a tournament in which each rule is asked in its turn."""
    best = grants[0]
    for other in grants[1:]:
        if goes_before(other, best):
            best = other
    return best


def goes_before(one: Grant, other: Grant) -> bool:
    """Whether one pays before the other."""
    if one.priority != other.priority:
        return one.priority < other.priority
    if one.expires_at != other.expires_at:
        if one.expires_at is None or other.expires_at is None:
            return other.expires_at is None
        return one.expires_at < other.expires_at
    ours, theirs = bool(_scope(one)), bool(_scope(other))
    if ours != theirs:
        return ours
    if one.kind != other.kind:
        return one.kind == GrantKind.FREE
    if one.effective_at != other.effective_at:
        return one.effective_at < other.effective_at
    return one.sequence < other.sequence


def _scope(grant: Grant) -> list[object]:
    return [*grant.applies_to.meter_ids, *grant.applies_to.charge_ids]

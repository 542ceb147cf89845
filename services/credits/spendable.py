"""What of customers' credit a bill may take: every lot that has something left, over or not.

When a line was used decides which of them may pay it, so a grant that is over by now still pays
for what was used before. Source: CREDITS 9 and 19.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from sqlmodel import Session

from billing.credits.bills import Need
from billing.credits.drawing import Lot
from billing.credits.grants import Grant, Place
from billing.money import ZERO, exactly
from billing.units import Unit
from models.credits.grants import CreditGrant
from repositories.credits import holds as stored_holds
from repositories.credits import lots as stored_lots
from repositories.credits import wallets as stored_wallets
from repositories.credits.wallets import CustomerKey, WalletKey
from services.credits import posting, units
from services.credits.deferred import Sold, find_bases
from services.credits.recurring import occurrences
from services.credits.standing import NOTHING, to_grant

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spendable:
    """A wallet's unit, and its lots that have something left."""

    unit: Unit
    lots: tuple[Lot, ...]


def last_presents(asked: Iterable[tuple[Key, datetime]]) -> dict[Key, datetime]:
    """The present of each customer, or wallet, that is asked for: the last that it is named with.

    Bills of many customers are made together, and everybody on a test clock has a present apart.
    """
    presents: dict[Key, datetime] = {}
    for key, at in asked:
        presents[key] = max(at, presents.get(key, at))
    return presents


@exactly
def find_spendable(
    session: Session,
    presents: Mapping[WalletKey, datetime],
    needs: Mapping[WalletKey, Need] = MappingProxyType({}),
) -> dict[WalletKey, Spendable]:
    """What is left in each of these wallets that has something left; with a need what may pay it.

    Each comes with its present, for customers on test clocks have their own: what a hold has that
    is over then is not held, and what rules have granted by then is there, stored or not. Lots of
    own units that are taxed as they are used know what of their cost no document has said.
    """
    lots: dict[WalletKey, list[Lot]] = {}
    known: dict[WalletKey, Unit] = {}
    due = occurrences.list_due(session, presents)
    aside = stored_holds.find_set_aside_of(session, presents) if presents else {}
    named = {grant_id for (_, grant_id), held in aside.items() if held.over}
    named |= {one.id for granted in due.values() for one in granted}
    found_lots = stored_lots.list_lots(session, presents, needs, named=named) if presents else []
    stored = {one.id for one in found_lots}
    sold: list[Sold] = []
    for one in found_lots:
        key = posting.wallet_of(one)
        held = aside.get((key[0], one.id), NOTHING)
        rest = one.rest + held.over
        if rest <= ZERO:
            continue
        if key not in known:
            known[key] = units.find_unit(session, key[0], key[2])
        grant = to_grant(one, known[key], begins_at=one.begins_at)
        lots.setdefault(key, []).append(Lot(grant=grant, rest=rest))
        if is_taxed_by_cost(grant):
            sold.append(Sold(row=one, rest=rest, held=held.live))
    for key, granted in due.items():
        unit = known[key] = known.get(key) or units.find_unit(session, key[0], key[2])
        found = lots.setdefault(key, [])
        found += _as_lots([one for one in granted if one.id not in stored], after=found, unit=unit)
    bases = find_bases(session, sold)
    return {
        key: Spendable(
            unit=known[key],
            lots=tuple(replace(lot, cost=bases.get(lot.grant.grant_id)) for lot in found),
        )
        for key, found in lots.items()
        if found
    }


def is_taxed_by_cost(grant: Grant) -> bool:
    """Whether what it pays of a line is taxed there, by what that much of it was sold for."""
    return grant.place is Place.AFTER_TAX and not grant.unit.is_currency


def _as_lots(due: Sequence[CreditGrant], *, after: Sequence[Lot], unit: Unit) -> list[Lot]:
    """What rules have granted and nobody has stored yet, as if it were stored after those lots."""
    newest = max((one.grant.sequence for one in after), default=0)
    grants = [to_grant(row, unit, begins_at=row.effective_at) for row in due]
    return [
        Lot(grant=replace(grant, sequence=sequence), rest=grant.amount)
        for sequence, grant in enumerate(grants, start=newest + 1)
    ]


def lock_wallets_of_customers(
    session: Session, presents: Mapping[CustomerKey, datetime], *, now: datetime
) -> frozenset[WalletKey]:
    """Nobody else posts to any wallet of these customers; which they have.

    Each comes with its present: what a hold has that is over then is free, and what rules have
    granted by then is stored. Customers without credit cost one statement for all.
    """
    found = stored_wallets.lock_wallets_of(session, presents.keys())
    of_wallets = {key: presents[key[:2]] for key in found}
    posting.free_holds_over(session, of_wallets, now=now)
    occurrences.store_due_of(session, of_wallets, now=now)
    return frozenset(found)

"""What prepaid credit may pay of bills: the lots of each customer, and when each line was used.

Which lot pays what is decided by :mod:`billing.credits.bills`, as the bill is put together. Source:
CREDITS.md rules 9 to 13.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from billing.credits.bills import AvailableCredit
from billing.credits.cuts import Segment, cut_instants, segments_of_late
from billing.credits.used import segments_of_period
from billing.money import find_currency
from billing.periods import Period
from billing.rating.lines import LineType, PricedLine
from models.customers import Customer
from repositories.credits.wallets import WalletKey
from services.credits.spendable import Spendable, find_spendable
from services.rating.steps import Rated
from services.usage.cuts import CutsAsked, measure_cuts


@dataclass(frozen=True, slots=True, kw_only=True)
class Totaling:
    """Lines of a bill that are to be totaled, and when it is or would be final.

    ``rated`` is what its first lines are computed from; None where people wrote them.
    """

    customer: Customer
    lines: Sequence[PricedLine]
    currency: str
    at: datetime
    rated: Rated | None = None

    @property
    def account(self) -> WalletKey:
        """What pays of it, beside money: the customer's account and wallet in its currency."""
        return self.customer.organization_id, self.customer.id, self.currency


def find_credits(
    session: Session, asked: Sequence[Totaling], wallets: Collection[WalletKey]
) -> list[AvailableCredit | None]:
    """What each of the bills may take of those wallets; None where there is nothing to take.

    The caller holds arrivals and wallets, or only looks.
    """
    if not wallets:
        return [None] * len(asked)
    ends_at = max(one.at for one in asked)
    found = find_spendable(session, wallets, at=ends_at)
    return [
        _available(session, one, found[one.account]) if one.account in found else None
        for one in asked
    ]


def _available(session: Session, asked: Totaling, spendable: Spendable) -> AvailableCredit:
    return AvailableCredit(
        unit=spendable.unit,
        lots=spendable.lots,
        final_at=asked.at,
        segments=_late(asked)
        | ({} if asked.rated is None else _cut(session, asked, asked.rated, spendable)),
    )


def _late(asked: Totaling) -> dict[int, tuple[Segment, ...]]:
    """Lines of usage that came after the bill of its period was final."""
    currency = find_currency(asked.currency)
    return {
        place: segments_of_late(
            Period(starts_at=line.starts_at, ends_at=line.ends_at),
            asked.at,
            currency.round(line.exact_amount),
        )
        for place, line in enumerate(asked.lines)
        if line.type is LineType.LATE_USAGE and line.starts_at and line.ends_at
    }


def _cut(
    session: Session, asked: Totaling, rated: Rated, spendable: Spendable
) -> dict[int, tuple[Segment, ...]]:
    """When the lines of the bill's own period were used: the first ones of the bill."""
    frozen = rated.frozen
    instants = cut_instants(frozen.period, [one.grant for one in spendable.lots])
    cuts = measure_cuts(
        session,
        CutsAsked(
            organization_id=asked.customer.organization_id,
            customer_id=asked.customer.id,
            usage=frozen.usage,
            cuts=instants,
        ),
    )
    return segments_of_period(rated.terms, frozen, rated.lines, cuts)

"""What prepaid credit may pay of bills: the lots of each customer, and when each line was used.

Which lot pays what is decided by :mod:`billing.credits.bills`, as the bill is put together. Source:
CREDITS 9 to 13.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.commitments.true_ups import TermBill
from billing.credits.bills import AvailableCredit, Need
from billing.credits.cuts import Segment, cut_instants, segments_of_late
from billing.credits.drawing import Lot
from billing.credits.used import not_billed, segments_of_period
from billing.invoicing.taxes import Address, TaxRate, match_rates, with_most_tax
from billing.money import ZERO, exactly, find_currency
from billing.periods import Period
from billing.rating.lines import LineType, PricedLine, invoiced_before
from billing.units import currency_unit
from models.customers import Customer
from repositories.credits.wallets import WalletKey
from services.credits.spendable import find_spendable, last_presents
from services.rating.steps import Rated
from services.usage.cuts import CutsAsked, measure_cuts


@dataclass(frozen=True, slots=True, kw_only=True)
class Totaling:
    """Lines of a bill that are to be totaled, and when it is or would be final.

    ``rated`` is what its first lines are computed from; None where people wrote them. ``terms`` are
    those of commitments that the bill settles or corrects.
    """

    customer: Customer
    lines: Sequence[PricedLine]
    currency: str
    at: datetime
    rated: Rated | None = None
    terms: tuple[TermBill, ...] = ()

    @property
    def account(self) -> WalletKey:
        """The customer's account, in the currency of the bill."""
        return self.customer.organization_id, self.customer.id, self.currency

    @property
    def address(self) -> Address:
        """Where the customer is billed."""
        return Address(
            country=self.customer.billing_address_country, state=self.customer.billing_address_state
        )

    @property
    def wallets(self) -> frozenset[WalletKey]:
        """What may pay of it, if it is there: in the currency, and in each unit of its lines."""
        own = {one.priced_in.code for one in self.lines if one.priced_in is not None}
        return frozenset((*self.account[:2], unit) for unit in {self.currency, *own})


def find_credits(
    session: Session,
    asked: Sequence[Totaling],
    wallets: Collection[WalletKey],
    rates: Mapping[UUID, Sequence[TaxRate]],
) -> list[AvailableCredit | None]:
    """What each of the bills may take of those wallets; None where there is nothing to take.

    Lots that could pay nothing of any are left out. ``rates`` are the tax rates of organizations.
    The caller holds arrivals and wallets, or only looks.
    """
    if not wallets:
        return [None] * len(asked)
    presents = last_presents(
        (key, one.at) for one in asked for key in one.wallets.intersection(wallets)
    )
    found = find_spendable(session, presents, _needs(asked, presents, rates))
    paying = [
        [
            lot
            for key in sorted(one.wallets & found.keys())
            for lot in found[key].lots
            if lot.pays_in(one.currency)
        ]
        for one in asked
    ]
    return [
        available_credit(session, one, lots) if lots else None
        for one, lots in zip(asked, paying, strict=True)
    ]


def _needs(
    asked: Sequence[Totaling],
    wallets: Collection[WalletKey],
    rates: Mapping[UUID, Sequence[TaxRate]],
) -> dict[WalletKey, Need]:
    """What is enough for each bill that draws on a wallet; none where one of them tells no bound.

    Bills of one wallet draw one after the other, or each as if it were alone.
    """
    found: dict[WalletKey, Need] = {}
    boundless = set()
    for one in asked:
        for key in one.wallets.intersection(wallets):
            most = _most_of(one, key[2], rates[key[0]])
            if most is None:
                boundless.add(key)
                continue
            need = _from_to(one, most)
            if key in found and found[key].currency != need.currency:
                boundless.add(key)  # what cost another currency pays one of them alone
            found[key] = found[key].either(need) if key in found else need
    return {key: need for key, need in found.items() if key not in boundless}


@exactly
def _most_of(asked: Totaling, unit: str, rates: Sequence[TaxRate]) -> Decimal | None:
    """The most that credit in a unit could pay of the bill; None where more than its lines is paid.

    That is what commitments add, and the tax on what own units had cost.
    """
    amounts = [one.amount for one in asked.lines if one.amount_unit.code == unit]
    whole = sum((max(one, ZERO) for one in amounts), ZERO)
    if unit != asked.currency:
        return whole
    if asked.terms or len(amounts) < len(asked.lines):
        return None
    return with_most_tax(whole, match_rates(rates, asked.address), find_currency(asked.currency))


def _from_to(asked: Totaling, amount: Decimal) -> Need:
    """What is used of the bill is used within its lines' periods, or as it becomes final."""
    begins = [one.starts_at for one in asked.lines if one.starts_at]
    ends = [one.ends_at for one in asked.lines if one.ends_at]
    if asked.rated is not None:
        begins.append(asked.rated.frozen.period.starts_at)
        ends.append(asked.rated.frozen.period.ends_at)
    return Need(
        amount=amount,
        since=min([*begins, asked.at]),
        until=max([*ends, asked.at]),
        currency=asked.currency,
    )


def available_credit(
    session: Session,
    asked: Totaling,
    lots: Sequence[Lot],
    *,
    watermark: int | None = None,
) -> AvailableCredit:
    """What the bill may take of these lots, by events up to an arrival; None for all of them."""
    own = {}
    if asked.rated is not None:
        own = _cut(session, asked, asked.rated, lots, watermark)
    return AvailableCredit(
        unit=currency_unit(asked.currency),
        lots=tuple(lots),
        final_at=asked.at,
        segments=_late(asked) | own,
    )


def _late(asked: Totaling) -> dict[int, tuple[Segment, ...]]:
    """Lines of usage that came after the bill of its period was final."""
    return {
        place: segments_of_late(
            Period(starts_at=line.starts_at, ends_at=line.ends_at), asked.at, line.amount
        )
        for place, line in enumerate(asked.lines)
        if line.type is LineType.LATE_USAGE and line.starts_at and line.ends_at
    }


def _cut(
    session: Session,
    asked: Totaling,
    rated: Rated,
    lots: Sequence[Lot],
    watermark: int | None,
) -> dict[int, tuple[Segment, ...]]:
    """When the lines of the bill's own period were used: the first ones of the bill."""
    frozen = rated.frozen
    instants = cut_instants(frozen.period, [one.grant for one in lots])
    cuts = measure_cuts(
        session,
        CutsAsked(
            organization_id=asked.customer.organization_id,
            customer_id=asked.customer.id,
            usage=frozen.usage,
            cuts=instants,
            watermark=watermark,
        ),
    )
    segments = segments_of_period(rated.terms, frozen, rated.lines, cuts)
    return not_billed(rated.lines, segments, invoiced_before(asked.lines))

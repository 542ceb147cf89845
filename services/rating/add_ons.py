"""Add-ons on a bill: what was attached to its subscription, in the quantities that held then."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from billing.identifiers import ChargeId
from billing.periods import Period
from billing.pricing import Flat
from billing.rating.add_ons.spans import AddOnTerms, QuantityFrom, spans_of
from billing.rating.proration import Share
from billing.rating.terms import ChargeTerms, ChargeType
from models.subscriptions.add_ons import SubscriptionAddOn
from repositories.subscriptions.add_ons import AttachedAddOn


def add_ons_in(
    attached: Iterable[AttachedAddOn], part: Period, share: Callable[[Period], Share]
) -> tuple[AddOnTerms, ...]:
    """Those that were attached for any share of a part of a period, in their order."""
    found = []
    for one in attached:
        quantities = [
            QuantityFrom(effective_at=held.effective_at, quantity=held.quantity)
            for held in one.quantities
        ]
        spans = spans_of(quantities, part, share)
        if spans:
            found.append(AddOnTerms(charge=charge_of(one.row), spans=spans))
    return tuple(found)


def charge_of(row: SubscriptionAddOn) -> ChargeTerms:
    """The charge that an add-on is, on bills by the add-on's own id."""
    return ChargeTerms(
        charge_id=ChargeId(row.id),
        type=ChargeType.FIXED,
        pricing=Flat(amount=row.unit_price),
        display_name=row.display_name,
        unit_price=row.unit_price,
    )

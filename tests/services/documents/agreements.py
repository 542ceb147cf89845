"""Bills by what was agreed beyond a price: commitments, thresholds, add-ons, units, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.credits.bills import AvailableCredit
from billing.credits.drawing import Lot
from billing.credits.grants import GrantKind
from billing.identifiers import ChargeId
from billing.invoicing.corrections import (
    PeriodCorrection,
    invoiced_before_line,
    late_usage_line,
)
from billing.invoicing.own_words import INVOICED_BEFORE, LATE_USAGE, SOLD_CREDIT
from billing.invoicing.plain_lines import manual_line
from billing.money import find_currency
from billing.periods import Period
from billing.pricing import parse_pricing
from billing.rating.add_ons.lines import add_on_lines
from billing.rating.add_ons.spans import AddOnTerms, QuantityFrom, spans_of
from billing.rating.groups import Group, GroupKind
from billing.rating.lines import CorrectedCharge, PricedLine
from billing.rating.proration import ProrationBasis, share_of
from billing.rating.terms import ChargeTerms
from billing.units import Taxation, Unit, currency_unit
from services.documents.view import Document
from tests.billing.builders import fixed_charge, plan, rated, usage_charge
from tests.billing.credits.lots import grant
from tests.billing.credits.own_units.tokens_at_use import TOKENS, free, sold
from tests.services.documents.builders import EURO, MARCH, bill, calls, credited, euros, rate

CALLS: Final = ChargeId(UUID(int=1))
FEE: Final = ChargeId(UUID(int=2))
QUARTER: Final = CommitmentTerms(commitment_id=UUID(int=9), amount=Decimal(12_000), term_periods=3)
TIERS: Final = [{"up_to": 1_000, "unit_price": "0.10"}, {"up_to": None, "unit_price": "0.02"}]
MODELS: Final[dict[str, dict[str, object]]] = {
    "graduated": {"model": "graduated", "tiers": TIERS},
    "volume": {"model": "volume", "tiers": TIERS},
    "stairstep": {
        "model": "stairstep",
        "tiers": [{"up_to": 2_000, "flat_fee": 5}, {"up_to": None, "flat_fee": "12.5"}],
    },
    "package": {"model": "package", "package_size": 1_000, "unit_price": "4.99"},
    "percentage": {"model": "percentage", "rate": "0.029", "fixed_fee": "0.3"},
    "per unit": {"model": "per_unit", "unit_price": "0.0123"},
}
VAT: Final = rate("19")
EUROS: Final = find_currency(EURO)


def of_march(charge: ChargeTerms, quantity: str) -> PricedLine:
    """A charge's line in euros for so much usage in March."""
    line = rated(plan(charge, currency=EURO), quantity)
    return replace(line, charge_id=CALLS, starts_at=MARCH.starts_at, ends_at=MARCH.ends_at)


def committed(term: TermBill | None = None) -> Document:
    """The last month of a quarter in which less was used than was agreed, and a line for that."""
    billed = (Decimal(3_200), Decimal(2_900), Decimal(0))
    periods = tuple(TermPeriod(period_index=at, billed=one) for at, one in enumerate(billed))
    quarter = TermBill(commitment=QUARTER, periods=periods, own_index=2)
    usage = replace(calls("2450000", "0.001", "2450"), charge_id=CALLS)
    fee = replace(euros("Platform fee", "490.00"), charge_id=FEE)
    return bill([usage, fee], [VAT], terms=[term or quarter])


def corrected_commitment() -> Document:
    """Usage of a term came late, after the term was settled: its true-up is that much less."""
    settled = TermBill(
        commitment=QUARTER,
        periods=tuple(TermPeriod(period_index=at, billed=Decimal(3_000)) for at in range(3)),
        said=Decimal(3_000),
    )
    return bill([_late("120"), euros("Platform fee", "490.00")], [VAT], terms=[settled])


def correction_of(period_index: int, amount: str) -> PeriodCorrection:
    """So much more, or less, of the calls of a period of which nothing else is known."""
    change = CorrectedCharge(period_index=period_index, charge_id=CALLS, amount=Decimal(amount))
    return PeriodCorrection(
        period_index=period_index, charges=(change,), recomputed=change.amount, billed=Decimal(0)
    )


def _late(amount: str) -> PricedLine:
    february = Period(starts_at=datetime(2026, 2, 1, tzinfo=UTC), ends_at=MARCH.starts_at)
    text = f"{LATE_USAGE}, Feb 1 – Feb 28, 2026"
    line = late_usage_line(
        correction_of(1, amount), period=february, currency=EUROS, description=text
    )
    assert line is not None
    return line


def past_threshold(quantity: str = "3000", before: str = "80") -> Document:
    """The second invoice of a running month: all of it so far, less what the first one billed."""
    usage = of_march(
        usage_charge(parse_pricing(MODELS["graduated"]), display_name="API calls"), quantity
    )
    off = invoiced_before_line(
        correction_of(0, "-" + before),
        period=MARCH,
        currency=EUROS,
        description=f"{INVOICED_BEFORE}, Mar 1 – Mar 31, 2026",
    )
    assert off is not None
    return replace(
        bill([usage, off], [VAT]),
        issued_at=datetime(2026, 3, 12, tzinfo=UTC),
        due_at=datetime(2026, 4, 11, tzinfo=UTC),
    )


def add_ons() -> Document:
    """Seats whose number grew within the month, beside the plan's fee."""
    shares = partial(share_of, regular=MARCH, timezone="UTC", basis=ProrationBasis.DAY)
    held = [
        QuantityFrom(effective_at=MARCH.starts_at, quantity=Decimal(3)),
        QuantityFrom(effective_at=datetime(2026, 3, 11, tzinfo=UTC), quantity=Decimal(5)),
    ]
    seats = AddOnTerms(charge=fixed_charge("10", "Seats"), spans=spans_of(held, MARCH, shares))
    return bill([euros("Platform fee", "49.00"), *add_on_lines(EURO, [seats])], [VAT])


def priced_in(unit: Unit, overage_rate: str | None = "0.02") -> PricedLine:
    """Images at two tokens each; what no credit pays of them is due in euros, if at all."""
    usage = calls("1250", "2", "2500")
    each = None if overage_rate is None else Decimal(overage_rate)
    return replace(
        usage, name="Images", unit="images", charge_id=CALLS, priced_in=unit, overage_rate=each
    )


def paid_by(*lots: Lot) -> AvailableCredit:
    """Credit that lasts."""
    return AvailableCredit(
        unit=currency_unit(EURO), lots=lots, final_at=MARCH.starts_at, segments={}
    )


def tokens_at_use(*more: Lot) -> Document:
    """Given and sold tokens pay; what the sold ones had cost is taxed now, with the rest."""
    lots = (free("100"), sold("2000", "30", currency=EURO), *more)
    return bill([priced_in(TOKENS)], [VAT], prepaid=paid_by(*lots))


def money(amount: str, kind: GrantKind) -> Lot:
    """Credit in euros."""
    one = grant(unit=currency_unit(EURO), amount=Decimal(amount), kind=kind)
    return Lot(grant=one, rest=one.amount)


def sold_credit(*, is_taxable: bool) -> Document:
    """What sells prepaid credit: it has no period."""
    line = manual_line(f"{SOLD_CREDIT}1000 TOKENS", Decimal(1), Decimal("20.00"), EUROS)
    document = bill([replace(line, is_taxable=is_taxable)], [VAT])
    lines = tuple(replace(one, sells_credit=True) for one in document.lines)
    return replace(document, lines=lines, period=None)


def grouped() -> Document:
    """One charge by a property of its events: named values, all others, and events without it."""
    groups = [
        Group(properties=("model",), kind=GroupKind.NAMED, values=("large",)),
        Group(properties=("model",), kind=GroupKind.OTHERS),
        Group(properties=("model",), kind=GroupKind.MISSING),
    ]
    usage = calls("2000", "0.03", "60")
    return bill(
        [replace(usage, name=f"API calls · {one.label}", group=one) for one in groups], [VAT]
    )


def agreements() -> dict[str, Document]:
    """Kinds that look as others do, by name; those that do not are among the samples."""
    month = replace(QUARTER, overage_factor=Decimal("1.5"), term_periods=1, amount=Decimal(1_000))
    beyond = TermBill(commitment=month, periods=(TermPeriod(period_index=2),), own_index=2)
    true_up, tokens = committed(), tokens_at_use()
    at_purchase = replace(TOKENS, taxation=Taxation.AT_PURCHASE)
    bought = grant(unit=at_purchase, amount=Decimal(2_000), kind=GrantKind.PAID)
    in_money = paid_by(money("60", GrantKind.FREE), money("50", GrantKind.PAID))
    mixed = [euros("Platform fee", "49.99"), calls("82450", "0.001", "82.45")]
    return {
        "beyond the commitment": committed(beyond),
        "commitment settled before": corrected_commitment(),
        "less used than invoiced before": past_threshold("500", "80"),
        "tokens that nobody sold": bill([priced_in(TOKENS)], [VAT]),
        "tokens due nothing": bill([priced_in(TOKENS, None)], [VAT], prepaid=paid_by(free("9"))),
        "tokens taxed as they were sold": bill(
            [priced_in(at_purchase)], [VAT], prepaid=paid_by(Lot(grant=bought, rest=bought.amount))
        ),
        "tokens, and money for the rest": tokens_at_use(money("100", GrantKind.PAID)),
        "tokens whose prices contain tax": bill(
            [priced_in(TOKENS)],
            [rate("19", inclusive=True)],
            prepaid=paid_by(sold("2000", "30", currency=EURO)),
        ),
        "prepaid before tax and after it": bill(mixed, [VAT], prepaid=in_money),
        "credit sold, taxed": sold_credit(is_taxable=True),
        "credit sold, not taxed yet": sold_credit(is_taxable=False),
        "late usage": bill([*mixed, _late("-12.34")], [VAT]),
        "groups": grouped(),
        "credit note over a true-up": credited(true_up, _of(true_up, "2960")),
        "credit note over tokens": credited(tokens, _of(tokens, "8")),
        "credit note over an add-on": credited(
            add_ons(), [Decimal(0), Decimal("9.68"), Decimal(0)]
        ),
    }


def _of(document: Document, amount: str) -> Sequence[Decimal]:
    """So much of the last line."""
    return [*[Decimal(0)] * (len(document.lines) - 1), Decimal(amount)]


def bills_by_price_model() -> dict[str, Document]:
    """A bill by each price model, and by what bounds or lowers a charge."""
    charges = {
        **{name: usage_charge(parse_pricing(one)) for name, one in MODELS.items()},
        "minimum": usage_charge(minimum="500"),
        "maximum": usage_charge(maximum="1.5"),
        "allowance": usage_charge(included="1000"),
    }
    return {
        f"price model {name}": bill([of_march(charge, "2500.5")], [VAT])
        for name, charge in charges.items()
    }

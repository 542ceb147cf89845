"""What coupons do to a bill: the tax is on what they left, and credit pays no more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.credits.bills import AvailableCredit
from billing.credits.cuts import Segment
from billing.credits.drawing import Lot
from billing.credits.grants import GrantKind
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import TaxRate
from billing.money import ZERO
from billing.rating.lines import LineType, PricedLine
from tests.billing.builders import USD
from tests.billing.credits.lots import DOLLARS, START, grant
from tests.billing.discounts.redeemed import CHARGES, coupon, off, redeemed
from tests.billing.invoicing.lines import CANADA, rate
from tests.billing.invoicing.lines import line as usage_line
from tests.billing.profiles import supporting


def line(amount: str, **given: object) -> PricedLine:
    """A line of a charge."""
    return replace(usage_line(amount), **({"charge_id": CHARGES[0]} | given))  # type: ignore[arg-type]  # what a test says by name


def bill(
    lines: list[PricedLine],
    *rates: TaxRate,
    coupons: object = None,
    credit: AvailableCredit | None = None,
    balance: str = "0",
) -> InvoiceTotals:
    return assemble_invoice(
        lines,
        rates,
        CANADA,
        USD,
        available_credit=Decimal(balance),
        credit=credit,
        coupons=coupons,  # type: ignore[arg-type]  # what a test says by name
    )


def free(amount: str, **segments: object) -> AvailableCredit:
    lot = grant(kind=GrantKind.FREE, amount=Decimal(amount))
    return AvailableCredit(
        unit=DOLLARS,
        lots=(Lot(grant=lot, rest=lot.amount),),
        final_at=START,
        segments=segments.get("of", {}),  # type: ignore[arg-type]  # what a test says by name
    )


def test_tax_is_on_what_coupons_left() -> None:
    """100 less 25 % at 18 %."""
    totals = bill(
        [line("60"), line("40")], rate("18"), coupons=redeemed(coupon(percent=Decimal(25)))
    )

    assert (totals.subtotal, totals.coupons_total) == (100, 25)
    assert (totals.tax, totals.total, totals.amount_due) == (
        Decimal("13.50"),
        Decimal("88.50"),
        Decimal("88.50"),
    )
    assert totals.taxes[0].taxable == 75


def test_included_tax_is_what_is_in_the_rest() -> None:
    """118 with 18 % included, less 10 %: in 106.20 are 16.20."""
    totals = bill([line("118")], rate("18", inclusive=True), coupons=redeemed(coupon()))

    assert (totals.total, totals.tax) == (Decimal("106.20"), Decimal("16.20"))
    assert totals.subtotal == Decimal("101.80")
    assert totals.subtotal - totals.coupons_total + totals.tax == totals.total


def test_credit_pays_what_coupons_left_and_no_more() -> None:
    """100 less 30 is 70, of which 50 are paid by free credit, and 18 % are on 20."""
    totals = bill([line("100")], rate("18"), coupons=redeemed(off("30.00")), credit=free("50"))

    assert (totals.coupons_total, totals.credits_before_tax) == (30, 50)
    assert (totals.tax, totals.total) == (Decimal("3.60"), Decimal("23.60"))

    all_of_it = bill([line("100")], coupons=redeemed(off("30.00")), credit=free("500"))
    assert (all_of_it.credits_before_tax, all_of_it.total) == (70, 0)


def test_newest_part_of_a_line_gives_what_coupons_take() -> None:
    """Of 60 and later 40, 50 off leave 50 of the first part."""
    parts = (
        Segment(used_at=START, amount=Decimal(60)),
        Segment(used_at=START + timedelta(days=1), amount=Decimal(40)),
    )

    totals = bill([line("100")], coupons=redeemed(off("50.00")), credit=free("80", of={0: parts}))

    assert [(one.position, one.amount) for one in totals.draws] == [(0, 50)]
    assert totals.total == 0


def test_late_usage_and_lines_of_no_charge_are_billed_whole() -> None:
    late = line("30", type=LineType.LATE_USAGE)

    totals = bill([line("100"), late, line("20", charge_id=None)], coupons=redeemed(coupon()))

    assert (totals.coupons_total, totals.total) == (10, 140)


def test_bill_below_zero_is_discounted_by_nothing() -> None:
    totals = bill([line("10"), line("-15")], coupons=redeemed(coupon(), off("5.00")))

    assert (totals.discounts, totals.carried_credit, totals.total) == ((), 5, 0)


@supporting
@given(
    amounts=st.lists(st.integers(-2000, 9000), min_size=1, max_size=4),
    percent=st.integers(1, 100),
    cents=st.integers(1, 5000),
    given_cents=st.integers(0, 5000),
)
def test_sums_of_a_bill_hold_with_coupons(
    amounts: list[int], percent: int, cents: int, given_cents: int
) -> None:
    five = off(str(Decimal(cents).scaleb(-2)))
    coupons = redeemed(coupon(percent=Decimal(percent)), five)
    credit = free(str(Decimal(given_cents).scaleb(-2))) if given_cents else None
    lines = [line(str(Decimal(one).scaleb(-2))) for one in amounts]

    totals = bill(lines, rate("18"), coupons=coupons, credit=credit)

    assert totals.total == (
        totals.subtotal - totals.coupons_total - totals.credits_before_tax + totals.tax
    )
    assert totals.total >= ZERO
    assert totals.coupons_total == sum(
        (share.amount for one in totals.discounts for share in one.lines), ZERO
    )
    # Nothing is paid of what a coupon took off.
    assert totals.coupons_total + totals.credits_before_tax <= sum(
        (max(one.line_total, ZERO) for one in totals.lines), ZERO
    )

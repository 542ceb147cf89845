"""Own units that are taxed as they are used: what they had cost is on the line, taxed, and paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from billing.credits.cuts import Segment
from billing.credits.grants import GrantKind, Place
from billing.invoicing.explanations import explain_line
from billing.invoicing.receipts import canonical_document, from_document, to_document
from billing.rating.lines import PricedLine, as_computed, paid_as
from billing.rating.wording import describe_rest
from tests.billing.credits.lots import DOLLARS, START
from tests.billing.credits.own_units.tokens_at_use import HALF, bill, free, priced, sold
from tests.billing.invoicing.lines import line, rate


def test_what_tokens_had_cost_is_on_the_line_and_paid_by_them() -> None:
    found = bill([priced("120.5")], sold("1000", "10"))

    [only] = found.lines
    assert (only.line.cost_share, only.line.rest_money, only.line_total) == (
        Decimal("1.21"),
        0,
        Decimal("1.21"),
    )
    assert (found.total, found.credits_after_tax, found.amount_due) == (
        Decimal("1.21"),
        Decimal("1.21"),
        0,
    )
    assert [(one.amount, one.money, one.place) for one in found.draws] == [
        (Decimal("120.5"), Decimal("1.21"), Place.AFTER_TAX)
    ]


def test_tax_is_owed_on_what_they_had_cost_and_on_the_rest() -> None:
    found = bill([priced("120")], sold("100", "1"), taxes=[rate("20")])

    # 20 of 120 are left, 0.40; the 100 had cost 1.00, which is taxed as well.
    assert (found.subtotal, found.tax, found.total) == (
        Decimal("1.4"),
        Decimal("0.28"),
        Decimal("1.68"),
    )
    assert (found.credits_before_tax, found.credits_after_tax) == (0, 1)
    assert found.amount_due == Decimal("0.68")


def test_tax_that_prices_contain_is_part_of_what_they_had_cost() -> None:
    found = bill([priced("100")], sold("100", "1.20"), taxes=[rate("20", inclusive=True)])

    assert (found.subtotal, found.tax, found.total, found.amount_due) == (
        1,
        Decimal("0.2"),
        Decimal("1.2"),
        0,
    )


def test_free_tokens_cost_nothing_and_pay_first_whatever_their_priority() -> None:
    found = bill([priced("120")], sold("100", "1", priority=1), free("50", priority=99))

    assert [(one.amount, one.money, one.place.value) for one in found.draws] == [
        (50, 0, "before_tax"),
        (70, Decimal("0.7"), "after_tax"),
    ]
    assert (found.total, found.amount_due) == (Decimal("0.7"), 0)


def test_coupons_take_nothing_off_what_is_paid() -> None:
    found = bill([priced("150")], sold("100", "1"), taxes=[rate("20")], coupons=HALF)

    # Half of the 1.00 that is left; 0.50 and the 1.00 that tokens had cost are taxed.
    assert (found.coupons_total, found.tax) == (Decimal("0.5"), Decimal("0.3"))
    assert (found.total, found.amount_due) == (Decimal("1.8"), Decimal("0.8"))


def test_free_dollars_pay_the_rest_alone() -> None:
    found = bill([priced("150")], sold("100", "1"), free("5", DOLLARS))

    assert (found.credits_before_tax, found.credits_after_tax, found.amount_due) == (1, 1, 0)


def test_sold_dollars_pay_the_tax_of_what_tokens_had_cost() -> None:
    dollars = free("5", DOLLARS, kind=GrantKind.PAID)

    found = bill([priced("100")], sold("100", "1"), dollars, taxes=[rate("20")])

    assert [(one.unit, one.money) for one in found.draws] == [
        ("TOKENS", 1),
        (None, Decimal("0.2")),
    ]
    assert (found.total, found.credits_after_tax, found.amount_due) == (
        Decimal("1.2"),
        Decimal("1.2"),
        0,
    )


def test_dollars_pay_the_tax_of_what_was_used_while_they_were_alive() -> None:
    half = START + timedelta(days=15)
    used = (Segment(used_at=START, amount=Decimal(75)), Segment(used_at=half, amount=Decimal(25)))
    dollars = free("5", DOLLARS, kind=GrantKind.PAID, effective_at=half)

    found = bill([priced("100")], sold("100", "1"), dollars, taxes=[rate("20")], segments={0: used})

    assert found.draws[-1].money == Decimal("0.05")
    assert found.amount_due == Decimal("0.15")


def test_tokens_that_were_sold_in_another_currency_pay_no_bill_in_this_one() -> None:
    found = bill([priced("100")], sold("100", "1", currency="EUR"))

    assert (found.draws, found.total) == ((), 2)


def test_a_bill_that_gives_back_is_never_paid_by_what_tokens_had_cost() -> None:
    back = line("-5")

    found = bill([priced("100"), back], sold("100", "1"), free("9", DOLLARS), taxes=[rate("20")])

    # 1.00 is paid; of the -5.00 tax is given back as well, on what is left of it.
    assert (found.credits_before_tax, found.credits_after_tax) == (0, 1)
    assert (found.carried_credit, found.total, found.amount_due) == (Decimal("5.8"), 1, 0)


def test_a_cost_that_a_line_takes_tax_from_leaves_nothing_for_dollars() -> None:
    dollars = free("9", DOLLARS, kind=GrantKind.PAID)

    found = bill([priced("100"), line("-0.5")], sold("100", "1"), dollars, taxes=[rate("20")])

    # Tax is of 0.50, 0.10; with it -0.40 are left, which nobody is to pay.
    assert [one.unit for one in found.draws] == ["TOKENS"]
    assert (found.carried_credit, found.amount_due) == (Decimal("0.4"), 0)


def test_a_line_says_what_its_tokens_had_cost() -> None:
    [only] = bill([priced("120.5")], sold("100", "1")).lines

    steps = [(one.name, one.output) for one in explain_line(only)[-3:]]

    assert steps == [("pay_in_unit", "20.5"), ("overage", "0.41"), ("cost_share", "1.41")]
    assert describe_rest(only.line, price=lambda one: f"${one}", paid_by="Prepaid credit") == (
        "120.5 TOKENS − 100 Prepaid credit = 20.5 TOKENS × $0.02",
        "Prepaid credit = $1.00",
    )


def test_what_was_paid_is_no_part_of_what_a_line_is_computed_from() -> None:
    line_of_bill = priced("120.5")

    paid = [one.line for one in bill([line_of_bill], sold("100", "1")).lines]

    assert as_computed(paid) == (line_of_bill,)
    assert paid_as([line_of_bill], paid) == paid
    assert from_document(PricedLine, to_document(paid[0])) == paid[0]


def test_evidence_says_what_grants_were_sold_for() -> None:
    found = bill([priced("120")], sold("100", "1"), free("50"))

    document = canonical_document(found.drawing)

    assert isinstance(document, dict)
    assert isinstance(document["lots"], list)
    assert [one.get("cost") for one in document["lots"] if isinstance(one, dict)] == [
        None,
        {"amount": "1", "currency": "USD", "left": "1"},
    ]

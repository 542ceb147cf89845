"""What credit does to a bill: free credit lowers what is taxed, bought credit pays with the tax."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.bills import AvailableCredit
from billing.credits.drawing import Lot
from billing.credits.grants import GrantKind, Scope
from billing.identifiers import ChargeId
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import TaxRate
from billing.money import ZERO
from billing.rating.lines import PricedLine
from billing.units import Taxation, currency_unit
from tests.billing.builders import USD
from tests.billing.credits.lots import CHARGES, DOLLARS, START, grant
from tests.billing.invoicing.lines import CANADA, line, rate
from tests.billing.profiles import supporting

BOUGHT, GIVEN = GrantKind.PAID, GrantKind.FREE


def credit(*amounts: tuple[GrantKind, str], **terms: object) -> AvailableCredit:
    lots = [
        grant(kind=kind, amount=Decimal(amount), sequence=place, **terms)
        for place, (kind, amount) in enumerate(amounts)
    ]
    return AvailableCredit(
        unit=DOLLARS,
        lots=tuple(Lot(grant=one, rest=one.amount) for one in lots),
        final_at=START,
        segments={},
    )


def bill(
    lines: list[PricedLine],
    with_credit: AvailableCredit | None,
    *rates: TaxRate,
    balance: str = "0",
) -> InvoiceTotals:
    return assemble_invoice(
        lines, rates, CANADA, USD, available_credit=Decimal(balance), credit=with_credit
    )


@pytest.mark.parametrize(
    ("kind", "total", "tax", "due"),
    [(GIVEN, "82.60", "12.60", "82.60"), (BOUGHT, "118.00", "18.00", "88.00")],
    ids=["given", "bought"],
)
def test_given_credit_pays_before_taxes_and_bought_credit_after_them(
    kind: GrantKind, total: str, tax: str, due: str
) -> None:
    """100 at 18 % with 30 of credit."""
    found = bill([line("100")], credit((kind, "30")), rate("18"))

    assert (found.subtotal, found.tax) == (100, Decimal(tax))
    assert (found.total, found.amount_due) == (Decimal(total), Decimal(due))


def test_credit_that_was_taxed_as_it_was_sold_pays_before_taxes() -> None:
    unit = currency_unit("USD", Taxation.AT_PURCHASE)

    found = bill([line("100")], credit((BOUGHT, "30"), unit=unit), rate("18"))

    assert (found.credits_before_tax, found.credits_after_tax, found.tax) == (
        30,
        0,
        Decimal("12.6"),
    )


def test_tax_that_is_in_the_price_is_less_by_what_is_given() -> None:
    found = bill([line("118")], credit((GIVEN, "59")), rate("18", inclusive=True))

    assert (found.subtotal, found.credits_before_tax) == (109, 59)
    assert (found.tax, found.total) == (9, 59)


def test_balance_of_the_customer_pays_what_credit_leaves() -> None:
    found = bill([line("100")], credit((GIVEN, "30"), (BOUGHT, "50")), rate("10"), balance="40")

    # 100 − 30 given + 7 of tax − 27 of the balance; 50 of the 77 are prepaid.
    assert (found.total, found.granted_credit, found.amount_due) == (50, 27, 0)


def test_credit_that_is_for_one_charge_pays_no_other() -> None:
    one = line("10")
    found = bill([one], credit((GIVEN, "30"), applies_to=Scope(charge_ids=frozenset(CHARGES))))

    assert (found.draws, found.total) == ((), 10)


def test_what_a_line_below_zero_takes_off_is_not_paid_by_credit() -> None:
    lines = [line("10"), line("10", taxable=False), line("-10")]

    found = bill(lines, credit((GIVEN, "30")), rate("18"))

    assert [(one.position, one.amount) for one in found.draws] == [(1, 10)]
    assert (found.tax, found.total, found.carried_credit) == (0, 0, 0)


def test_bill_below_zero_draws_nothing() -> None:
    found = bill([line("10"), line("-15")], credit((GIVEN, "30")))

    assert (found.draws, found.carried_credit, found.total) == ((), 5, 0)


cents = st.integers(-3000, 9000).map(lambda number: Decimal(number) / 100)
credits_ = st.lists(
    st.tuples(
        st.sampled_from(GrantKind), st.integers(1, 9000).map(lambda n: str(Decimal(n) / 100))
    ),
    max_size=4,
)


@supporting
@given(
    amounts=st.lists(st.tuples(cents, st.booleans()), max_size=5),
    granted=credits_,
    percentage=st.sampled_from(["0", "5", "9.975", "18"]),
    inclusive=st.booleans(),
    balance=st.integers(0, 50),
)
def test_bill_adds_up_with_every_credit(
    *,
    amounts: list[tuple[Decimal, bool]],
    granted: list[tuple[GrantKind, str]],
    percentage: str,
    inclusive: bool,
    balance: int,
) -> None:
    lines = [line(amount, taxable=taxable) for amount, taxable in amounts]
    rates = [rate(percentage, inclusive=inclusive)]
    available = credit(*granted)

    found = bill(lines, available, *rates, balance=str(balance))
    plain = bill(lines, None, *rates)

    assert found.total == found.subtotal - found.credits_before_tax + found.tax
    assert found.amount_due >= 0
    assert found.credits_before_tax + found.credits_after_tax == sum(
        (one.amount for one in found.draws), ZERO
    )
    # Credit makes no bill dearer, and leaves a customer no more than the bill did.
    assert found.amount_due <= plain.total
    assert found.carried_credit == plain.carried_credit
    assert min(found.tax, ZERO) == min(plain.tax, ZERO)
    for lot in available.lots:
        drawn = sum((x.amount for x in found.draws if x.grant_id == lot.grant.grant_id), ZERO)
        assert drawn <= lot.rest


@supporting
@given(
    amounts=st.lists(st.integers(1, 9000).map(lambda n: Decimal(n) / 100), min_size=1, max_size=5),
    kind=st.sampled_from(GrantKind),
    inclusive=st.booleans(),
)
def test_who_has_credit_for_all_of_it_pays_nothing(
    amounts: list[Decimal], kind: GrantKind, *, inclusive: bool
) -> None:
    lines = [line(amount) for amount in amounts]

    found = bill(lines, credit((kind, "1000")), rate("18", inclusive=inclusive))

    assert found.amount_due == 0
    taxed = found.tax > 0
    # Of less than that 18 per cent are no cent.
    least = Decimal("0.04" if inclusive else "0.03")
    assert taxed == (kind is BOUGHT and sum(amounts) >= least)


def test_lines_are_those_of_the_bill() -> None:
    """A grant for one charge finds its line by it."""
    charge_id = ChargeId(CHARGES[0])
    lines = [line("10"), replace(line("20"), charge_id=charge_id)]

    found = bill(lines, credit((GIVEN, "30"), applies_to=Scope(charge_ids=frozenset([charge_id]))))

    assert [(one.position, one.amount) for one in found.draws] == [(1, 20)]

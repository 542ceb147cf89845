"""Entries balance whatever is billed, given back or void, and each amount stands on one account."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.books.chart import PostingKind, Rate
from billing.books.entries import Billed, Entry, Leg, bill, earn, give_back, post, void
from billing.errors import InvariantBroken
from billing.money import find_currency
from tests.billing.books.matters import MATTER
from tests.billing.profiles import thorough

VAT = Rate(name="VAT", percentage=Decimal(20), country="GB")
GST = Rate(name="GST", percentage=Decimal("9.975"), country="CA", state="QC")


def booked(entry: Entry) -> dict[str, str]:
    """What each account has of an entry."""
    return {leg.account: f"{leg.amount:f}" for leg in entry.legs}


def test_an_untaxed_invoice_is_owed_and_earned() -> None:
    entry = bill(MATTER, Billed(total=Decimal("82.45")))

    assert booked(entry) == {"Assets:Receivable": "82.45", "Income:Revenue:Untaxed": "-82.45"}
    assert entry.matter is MATTER


def test_each_rate_is_owed_to_its_state_and_revenue_is_told_by_rates() -> None:
    billed = Billed(
        total=Decimal("129.98"), rates=(VAT, GST), taxes=(Decimal("20.00"), Decimal("9.98"))
    )

    assert booked(bill(MATTER, billed)) == {
        "Assets:Receivable": "129.98",
        "Income:Revenue:GB-VAT-20-and-CA-QC-GST-9-975": "-100.00",
        "Liabilities:Tax:GB-VAT-20": "-20.00",
        "Liabilities:Tax:CA-QC-GST-9-975": "-9.98",
    }


def test_what_prepaid_credit_pays_is_earned_by_what_it_had_cost() -> None:
    billed = Billed(total=Decimal(100), prepaid=Decimal(60), prepaid_cost=Decimal(45))

    # 40 are owed, and of 60 that credit pays 45 had been paid before: 85 are earned.
    assert booked(bill(MATTER, billed)) == {
        "Assets:Receivable": "40",
        "Liabilities:PrepaidCredit": "45",
        "Income:Revenue:Untaxed": "-85",
    }


def test_credit_that_was_given_earns_nothing() -> None:
    billed = Billed(total=Decimal(100), prepaid=Decimal(100))

    assert booked(bill(MATTER, billed)) == {}


def test_credit_that_is_sold_is_owed_until_it_is_used() -> None:
    billed = Billed(total=Decimal(120), sells_credit=True, rates=(VAT,), taxes=(Decimal(20),))

    assert booked(bill(MATTER, billed)) == {
        "Assets:Receivable": "120",
        "Liabilities:PrepaidCredit": "-100",
        "Liabilities:Tax:GB-VAT-20": "-20",
    }


def test_a_note_is_its_bill_the_other_way_round() -> None:
    billed = Billed(total=Decimal(120), rates=(VAT,), taxes=(Decimal(20),))
    there, back = booked(bill(MATTER, billed)), booked(give_back(MATTER, billed))

    assert back == {account: f"{-Decimal(amount):f}" for account, amount in there.items()}


def test_a_void_invoice_takes_back_what_no_note_gave_back_before() -> None:
    billed = Billed(total=Decimal(120), rates=(VAT,), taxes=(Decimal(20),))
    note = Billed(total=Decimal(30), rates=(VAT,), taxes=(Decimal(5),))

    assert booked(void(MATTER, billed, [note])) == {
        "Assets:Receivable": "-90",
        "Income:Revenue:GB-VAT-20": "75",
        "Liabilities:Tax:GB-VAT-20": "15",
    }


def test_a_void_invoice_that_notes_gave_back_whole_books_nothing() -> None:
    billed = Billed(total=Decimal(120), rates=(VAT,), taxes=(Decimal(20),))
    halves = [Billed(total=Decimal(60), rates=(VAT,), taxes=(Decimal(10),))] * 2

    assert void(MATTER, billed, halves).legs == ()


def test_a_payment_is_cash_of_its_gateway_and_credit_of_the_customer() -> None:
    entry = post(MATTER, PostingKind.PAID, Decimal(50), "stripe")

    assert booked(entry) == {"Assets:Cash:Stripe": "50", "Liabilities:CustomerCredit": "-50"}


def test_sold_credit_that_is_over_is_income_and_owed_again_below_nothing() -> None:
    assert booked(earn(MATTER, Decimal(7), "Income:Breakage")) == {
        "Liabilities:PrepaidCredit": "7",
        "Income:Breakage": "-7",
    }
    assert booked(earn(MATTER, Decimal(-7), "Income:Breakage")) == {
        "Liabilities:PrepaidCredit": "-7",
        "Income:Breakage": "7",
    }


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    legs = (
        Leg(account="Assets:Receivable", amount=Decimal("10.00")),
        Leg(account="Income:Revenue:Untaxed", amount=Decimal("-9.99")),
    )

    with pytest.raises(InvariantBroken, match="The entry invoice/1 does not balance"):
        Entry(matter=MATTER, legs=legs)


def test_as_many_taxes_as_rates() -> None:
    with pytest.raises(ValueError, match="argument"):
        bill(MATTER, Billed(total=Decimal(1), rates=(VAT,), taxes=()))


cents = st.integers(-(10**12), 10**12).map(lambda number: Decimal(number).scaleb(-2))
amounts = st.builds(
    Billed,
    total=cents,
    prepaid=cents,
    prepaid_cost=cents,
    sells_credit=st.booleans(),
    rates=st.just((VAT, GST)),
    taxes=st.tuples(cents, cents),
)


@thorough
@given(billed=amounts, notes=st.lists(amounts, max_size=3))
def test_whatever_is_billed_books_balance_and_no_account_stands_there_twice(
    billed: Billed, notes: list[Billed]
) -> None:
    assert find_currency(MATTER.currency).exponent == 2

    for entry in (bill(MATTER, billed), give_back(MATTER, billed), void(MATTER, billed, notes)):
        accounts = [leg.account for leg in entry.legs]
        assert sum(Fraction(leg.amount) for leg in entry.legs) == 0
        assert len(set(accounts)) == len(accounts)
        assert all(leg.amount != 0 for leg in entry.legs)


@thorough
@given(billed=amounts)
def test_a_bill_and_all_of_it_given_back_leave_nothing(billed: Billed) -> None:
    legs = (*bill(MATTER, billed).legs, *give_back(MATTER, billed).legs)

    sums: dict[str, Fraction] = {}
    for leg in legs:
        sums[leg.account] = sums.get(leg.account, Fraction(0)) + Fraction(leg.amount)
    assert set(sums.values()) <= {Fraction(0)}

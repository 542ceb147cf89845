"""The chart of accounts: what stands against each posting, and names that every program takes."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.books import chart
from billing.books.chart import PostingKind, Rate, other_side, revenue_account, tax_account
from tests.billing.profiles import thorough

ACCOUNT = re.compile(r"(Assets|Liabilities|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+")
"""What beancount and hledger both take for the name of an account."""

AGAINST = {
    PostingKind.OPENED: "Assets:Receivable",
    PostingKind.CARRIED: "Assets:Receivable",
    PostingKind.GRANTED: "Assets:Receivable",
    PostingKind.RETURNED: "Assets:Receivable",
    PostingKind.CREDITED: "Assets:Receivable",
    PostingKind.APPLIED: "Assets:Receivable",
    PostingKind.UNAPPLIED: "Assets:Receivable",
    PostingKind.PAID: "Assets:Cash:ByHand",
    PostingKind.REFUNDED: "Assets:Cash:ByHand",
    PostingKind.REFUND_FAILED: "Assets:Cash:ByHand",
    PostingKind.FEE_TAKEN: "Assets:Cash:ByHand",
    PostingKind.WRITTEN_OFF: "Expenses:BadDebt",
    PostingKind.RESTORED: "Expenses:BadDebt",
    PostingKind.RECOVERED: "Expenses:BadDebt",
    PostingKind.OWED: "Assets:Receivable:SpentCredit",
    PostingKind.SETTLED: "Assets:Receivable:SpentCredit",
    PostingKind.FEE: "Expenses:GatewayFees",
}


@pytest.mark.parametrize("kind", PostingKind)
def test_every_posting_has_its_other_side(kind: PostingKind) -> None:
    assert other_side(kind, None) == AGAINST[kind]


@pytest.mark.parametrize("kind", PostingKind)
def test_a_gateway_holds_its_own_cash_and_changes_no_other_account(kind: PostingKind) -> None:
    expected = AGAINST[kind].replace("ByHand", "Razorpay")

    assert other_side(kind, "razorpay") == expected


@pytest.mark.parametrize(
    ("rate", "account"),
    [
        (Rate(name="VAT", percentage=Decimal(20), country="GB"), "GB-VAT-20"),
        (Rate(name="VAT", percentage=Decimal("20.00"), country="GB"), "GB-VAT-20"),
        (
            Rate(name="Sales tax", percentage=Decimal("7.25"), country="US", state="CA"),
            "US-CA-Sales-tax-7-25",
        ),
        (Rate(name="Überschuß", percentage=Decimal(5), country="DE"), "DE-Uberschu-5"),
        (Rate(name="消費税", percentage=Decimal(10), country="JP"), "JP-10"),
        (Rate(name="--:--", percentage=Decimal(0), country="FR"), "FR-0"),
    ],
)
def test_the_part_of_a_rate_is_letters_digits_and_dashes(rate: Rate, account: str) -> None:
    assert rate.part == account
    assert tax_account(rate) == f"Liabilities:Tax:{account}"


def test_revenue_is_told_by_the_rates_that_it_was_sold_under() -> None:
    vat = Rate(name="VAT", percentage=Decimal(20), country="GB")
    levy = Rate(name="Levy", percentage=Decimal(1), country="GB")

    assert revenue_account([]) == "Income:Revenue:Untaxed"
    assert revenue_account([vat]) == "Income:Revenue:GB-VAT-20"
    assert revenue_account([vat, levy]) == "Income:Revenue:GB-VAT-20-and-GB-Levy-1"
    assert revenue_account([levy, vat]) != revenue_account([vat, levy])


@thorough
@given(name=st.text(max_size=40), state=st.none() | st.text(max_size=10))
def test_whatever_people_call_a_rate_is_the_name_of_an_account(
    name: str, state: str | None
) -> None:
    rate = Rate(name=name, percentage=Decimal("7.5"), country="US", state=state)

    assert ACCOUNT.fullmatch(tax_account(rate))
    assert ACCOUNT.fullmatch(revenue_account([rate, rate]))


def test_kinds_are_told_apart_once() -> None:
    sets = (chart.OF_BILLS, chart.OF_MONEY, chart.OF_BAD_DEBT, chart.OF_SPENT_CREDIT)

    assert sum(map(len, sets)) == len(frozenset().union(*sets))

"""What people read of a rest in units, of a share of a period, and of a commitment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.rating.lines import PricedLine
from billing.rating.proration import ProrationBasis, Share
from billing.rating.wording import describe_rest, describe_share, describe_term, shown_number
from billing.ratios import Exact, Ratio
from billing.units import Unit
from tests.billing.builders import CHARGE, d
from tests.billing.rating.test_wording import dollars, usage_line


def tokens(amount: str, paid: str = "0", cost: str = "0", rate: str | None = "0.02") -> PricedLine:
    return replace(
        usage_line(amount),
        exact_amount=d(amount),
        priced_in=Unit(code="TOKENS", scale=1),
        overage_rate=None if rate is None else d(rate),
        paid_in_unit=d(paid),
        cost_share=d(cost),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (usage_line("5"), []),
        (tokens("120.5"), ["120.5 TOKENS × $0.02"]),
        (tokens("1234.5", rate=None), ["1,234.5 TOKENS × $0"]),
        (tokens("120.5", "100"), ["120.5 TOKENS − 100 Credit = 20.5 TOKENS × $0.02"]),
        (tokens("120.5", "100", "1"),
         ["120.5 TOKENS − 100 Credit = 20.5 TOKENS × $0.02", "Credit = $1"]),
        (tokens("100", "100", "1"),
         ["100 TOKENS − 100 Credit = 0 TOKENS × $0.02", "Credit = $1"]),
    ],
)  # fmt: skip
def test_a_line_says_how_its_rest_becomes_money(line: PricedLine, said: list[str]) -> None:
    assert list(describe_rest(line, price=dollars, paid_by="Credit")) == said


DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("covered", "total", "basis", "said"),
    [
        (17, 31, ProrationBasis.DAY, "17 of 31 days"),
        (0, 31, ProrationBasis.DAY, "0 of 31 days"),
        (17 * DAY, 31 * DAY, ProrationBasis.SECOND, "17 of 31 days"),
        (DAY // 2, 31 * DAY, ProrationBasis.SECOND, "1.61% of the period"),
        (31 * DAY, 31 * DAY, ProrationBasis.SECOND, "31 of 31 days"),
        (1, 2, ProrationBasis.SECOND, "50% of the period"),
        (1, 800, ProrationBasis.SECOND, "0.13% of the period"),
        (1, 10**9, ProrationBasis.SECOND, "0% of the period"),
        (2 * DAY, 743 * DAY // 24, ProrationBasis.SECOND, "6.46% of the period"),
    ],
)
def test_a_share_is_said_in_days_where_it_is_days(
    covered: int, total: int, basis: ProrationBasis, said: str
) -> None:
    share = Share(covered=covered, total=total, basis=basis)

    assert describe_share(share) == said


def test_a_share_is_said_in_the_words_of_a_language() -> None:
    days = Share(covered=17, total=31)
    part = Share(covered=1, total=3, basis=ProrationBasis.SECOND)

    said = [
        describe_share(one, days="{covered} von {total} Tagen", percent="{part} % des Zeitraums")
        for one in (days, part)
    ]
    assert said == ["17 von 31 Tagen", "33.33 % des Zeitraums"]


WORDS = {
    "term_below": "{committed} committed − {spent} billed",
    "term_above": "{spent} billed − {committed} committed, × {factor}",
    "term_said": "{said} billed before",
}


@pytest.mark.parametrize(
    ("spent", "said_before", "factor", "texts"),
    [
        ("9000", "0", "1", ["$12000 committed − $9000 billed"]),
        ("12000", "0", "1", ["$12000 committed − $12000 billed"]),
        ("14000", "0", "1.50", ["$14000 billed − $12000 committed, × 1.5"]),
        ("9000", "2500", "1", ["$12000 committed − $9000 billed", "$2500 billed before"]),
    ],
)
def test_a_line_of_a_commitment_says_what_it_was_computed_from(
    spent: str, said_before: str, factor: str, texts: list[str]
) -> None:
    bill = TermBill(
        commitment=CommitmentTerms(commitment_id=CHARGE, amount=d(12000), overage_factor=d(factor)),
        periods=(TermPeriod(period_index=0),),
        own=d(spent),
        said=d(said_before),
    )
    line = replace(usage_line("1"), true_up=bill)

    assert describe_term(line, price=dollars, words=WORDS) == texts
    assert describe_term(usage_line("1"), price=dollars, words=WORDS) == []


@pytest.mark.parametrize(
    ("number", "shown"),
    [(d("0.10"), "0.10"), (Ratio(1, 3), "0." + "3" * 20), (Ratio(2, 3), "0." + "6" * 19 + "7"),
     (Ratio(-2, 3), "-0." + "6" * 19 + "7"), (d("1E-25"), "1E-25")],
)  # fmt: skip
def test_people_read_twenty_places_of_what_never_ends(number: Exact, shown: str) -> None:
    assert str(shown_number(number)) == shown

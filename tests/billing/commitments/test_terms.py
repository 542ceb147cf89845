"""Terms of commitments: which periods they have, what they come to, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from billing.commitments.calendar import CommittedPeriod, Term, terms_of
from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod, terms_of_one
from billing.errors import InvalidInput
from billing.identifiers import ChargeId
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.true_ups import said_of
from billing.money import ONE, ZERO
from billing.periods import Period
from billing.rating.lines import CorrectedCharge, LineType, PricedLine
from billing.ratios import Ratio
from billing.units import Unit
from tests.billing.builders import USD
from tests.billing.commitments.naive_terms import DAYS
from tests.billing.discounts.redeemed import CHARGES, coupon, redeemed
from tests.billing.invoicing.lines import CANADA, rate
from tests.billing.invoicing.lines import line as usage_line

COMMITMENT = UUID(int=9)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def committed(amount: str = "100", **given: object) -> CommitmentTerms:
    return CommitmentTerms(commitment_id=COMMITMENT, amount=Decimal(amount), **given)  # type: ignore[arg-type]  # what a test says by name


def term(*billed: str, own_index: int | None = None, **given: object) -> TermBill:
    """A term of whole periods, of which the last one is the bill's own."""
    periods = tuple(
        TermPeriod(period_index=index, billed=Decimal(one)) for index, one in enumerate(billed)
    )
    its = {"commitment": committed(term_periods=len(periods)), **given}
    return TermBill(periods=periods, own_index=own_index, **its)  # type: ignore[arg-type]  # what a test says by name


def line(amount: str, **given: object) -> PricedLine:
    return replace(usage_line(amount), **({"charge_id": CHARGES[0]} | given))  # type: ignore[arg-type]  # what a test says by name


def bill(lines: list[PricedLine], *terms: TermBill, **given: object) -> InvoiceTotals:
    return assemble_invoice(lines, given.pop("rates", ()), CANADA, USD, terms=terms, **given)  # type: ignore[arg-type]  # what a test says by name


def month(number: int, *, ends: bool = True, has: bool = True) -> CommittedPeriod:
    """A period of a month of thirty days, or a part of it that does not end it."""
    begin = BEGIN + timedelta(days=DAYS * number)
    return CommittedPeriod(
        index=number,
        regular=Period(starts_at=begin, ends_at=begin + timedelta(days=DAYS)),
        ends_regular=ends,
        commitment_ids=frozenset({COMMITMENT} if has else set()),
    )


def test_terms_follow_one_another() -> None:
    months = [month(number) for number in range(5)]

    assert terms_of(months, COMMITMENT, 2, is_last=False) == [
        Term(indexes=(0, 1), is_over=True),
        Term(indexes=(2, 3), is_over=True),
        Term(indexes=(4,), is_over=False),
    ]


def test_term_ends_with_the_last_period_that_has_the_commitment() -> None:
    months = [month(0), month(1, has=False), month(2), month(3)]

    assert terms_of(months, COMMITMENT, 3, is_last=True) == [
        Term(indexes=(0,), is_over=True),
        Term(indexes=(2, 3), is_over=True),
    ]


def test_parts_of_a_period_are_of_one_term_and_the_last_one_ends_it() -> None:
    first, rest = month(0, ends=False), replace(month(0), index=1)

    assert terms_of([first, rest], COMMITMENT, 1, is_last=False) == [
        Term(indexes=(0, 1), is_over=True)
    ]
    assert terms_of([first], COMMITMENT, 1, is_last=False) == [Term(indexes=(0,), is_over=False)]


def test_part_that_nothing_of_its_period_follows_ends_its_term() -> None:
    """The cycle was restarted: what follows is a period of another count."""
    assert terms_of([month(0, ends=False), month(1)], COMMITMENT, 1, is_last=False) == [
        Term(indexes=(0,), is_over=True),
        Term(indexes=(1,), is_over=True),
    ]


def test_line_says_what_is_missing_after_coupons_and_is_taxed() -> None:
    """1,000 committed, 400 less 10 %: 640 are missing, and 20 % are on all of it."""
    totals = bill(
        [line("400")],
        term("0", own_index=0, commitment=committed("1000")),
        coupons=redeemed(coupon()),
        rates=[rate("20")],
    )

    [_, added] = totals.lines
    assert (added.line.type, added.line_total) == (LineType.TRUE_UP, 640)
    assert (totals.subtotal, totals.coupons_total, totals.tax, totals.total) == (
        1040,
        40,
        200,
        1200,
    )
    assert [one.name for one in added.line.steps] == ["commitment", "spent", "true_up"]


def test_what_is_beyond_costs_the_factor() -> None:
    totals = bill(
        [line("140")], term("0", own_index=0, commitment=committed(overage_factor=Decimal("1.5")))
    )

    assert [one.line_total for one in totals.lines] == [140, 20]
    assert totals.lines[1].line.name == "Usage above the commitment"
    cheaper = committed(overage_factor=Decimal("0.8"))
    assert bill([line("140")], term("0", own_index=0, commitment=cheaper)).total == 132


def test_exactly_the_commitment_adds_nothing() -> None:
    assert len(bill([line("100")], term("0", own_index=0)).lines) == 1
    assert len(bill([line("140")], term("0", own_index=0)).lines) == 1


def test_only_charges_that_are_named_count() -> None:
    named = committed(charge_ids=(CHARGES[1],))

    totals = bill(
        [line("60"), line("30", charge_id=CHARGES[1])], term("0", commitment=named, own_index=0)
    )

    assert [one.line_total for one in totals.lines] == [60, 30, 70]


def test_lines_of_own_units_and_of_people_do_not_count() -> None:
    tokens = Unit(code="TOKENS", scale=0)
    priced = line("60", priced_in=tokens, overage_rate=Decimal(1))

    assert (
        said_of(
            [(priced, Decimal(60)), (line("5", charge_id=None), Decimal(5))], term("0", own_index=0)
        )
        == 0
    )


def test_late_lines_count_for_the_term_of_their_period_alone() -> None:
    changes = tuple(
        CorrectedCharge(period_index=index, charge_id=CHARGES[0], amount=Decimal(amount))
        for index, amount in ((0, "7"), (3, "100"))
    )
    late = line("107", charge_id=None, type=LineType.LATE_USAGE, corrections=changes)

    settled = term("60", said=Decimal(40))
    totals = bill([late], settled)

    assert [one.line_total for one in totals.lines] == [107, -7]
    assert totals.lines[1].line.name == "Correction of a commitment"


def test_correction_gives_back_no_more_than_was_billed() -> None:
    changes = (CorrectedCharge(period_index=0, charge_id=CHARGES[0], amount=Decimal(900)),)
    late = line("900", charge_id=None, type=LineType.LATE_USAGE, corrections=changes)

    assert bill([late], term("60", said=Decimal(40))).lines[1].line_total == -40
    assert (
        bill([late], term("60", said=Decimal(40), given_back=Decimal(30))).lines[1].line_total
        == -10
    )
    assert len(bill([late], term("60", said=ZERO)).lines) == 1


def test_share_of_a_partial_period_is_exact() -> None:
    first = TermPeriod(period_index=0, covered=17, total=31)
    whole = TermPeriod(period_index=1)
    its = TermBill(commitment=committed("12000", term_periods=12), periods=(first, whole))

    assert its.committed == Ratio(48000, 31)


def test_commitments_of_single_periods_are_supposed() -> None:
    [one] = terms_of_one([committed(), committed(term_periods=2)], covered=10, total=31)

    assert one.committed == Ratio(1000, 31)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal(-1)}, "amount"),
        ({"term_periods": 0}, "term_periods"),
        ({"term_periods": 121}, "term_periods"),
        ({"overage_factor": Decimal(-1)}, "overage_factor"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        CommitmentTerms(**({"commitment_id": COMMITMENT, "amount": ONE} | given))  # type: ignore[arg-type]  # what a test says by name

    assert refused.value.field == field


def test_amount_is_one_that_the_currency_can_pay() -> None:
    with pytest.raises(InvalidInput, match="2 decimal places"):
        committed("0.005").require_whole("USD")


def test_commitments_meet_where_a_charge_would_count_twice() -> None:
    one, other = committed(charge_ids=(CHARGES[0],)), committed(charge_ids=(CHARGES[1],))

    assert not one.meets(other)
    assert one.meets(one)
    assert one.meets(committed())
    assert committed().meets(other)
    assert one.is_for(ChargeId(CHARGES[0]))
    assert not one.is_for(None)

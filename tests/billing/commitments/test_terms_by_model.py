"""Bills settle terms as a second model does, and corrections come to what one bill would have said.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.commitments.calendar import terms_of
from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.money import ZERO
from tests.billing.builders import USD
from tests.billing.commitments.naive_terms import DAYS, NaivePart, settle_all
from tests.billing.commitments.test_terms import COMMITMENT, bill, committed, line, month
from tests.billing.profiles import supporting, thorough


@st.composite
def lives(draw: st.DrawFn) -> list[NaivePart]:
    """Some months, each in one part or two, some without the commitment."""
    parts = []
    for number in range(draw(st.integers(1, 8))):
        cut = draw(st.sampled_from([0, 0, 1, 13, 29]))
        for days, ends in ((cut, False), (DAYS - cut, True)):
            if days:
                parts.append(
                    NaivePart(
                        month=number,
                        days=days,
                        ends_month=ends,
                        is_committed=draw(st.integers(0, 9)) > 0,
                        spent=draw(st.integers(0, 9_999)),
                    )
                )
    return parts


@thorough
@given(
    parts=lives(),
    cents=st.integers(1, 30_000),
    months=st.integers(1, 4),
    factor=st.sampled_from(["0", "0.75", "1", "1.5", "3"]),
    is_over=st.booleans(),
)
def test_bills_add_what_a_second_model_adds(
    parts: list[NaivePart], cents: int, months: int, factor: str, is_over: bool
) -> None:
    commitment = committed(
        str(Decimal(cents).scaleb(-2)), term_periods=months, overage_factor=Decimal(factor)
    )

    found = bill_all(parts, commitment, is_over=is_over)

    assert found == settle_all(
        parts, cents=cents, months=months, factor=Fraction(factor), is_over=is_over
    )


def bill_all(
    parts: list[NaivePart], commitment: CommitmentTerms, *, is_over: bool
) -> list[tuple[int, int]]:
    """What each part's bill adds, in cents, as the product does it."""
    calendar = [
        replace(
            month(one.month, ends=one.ends_month, has=one.is_committed),
            index=place,
        )
        for place, one in enumerate(parts)
    ]
    added = []
    for one in terms_of(calendar, COMMITMENT, commitment.term_periods, is_last=is_over):
        if not one.is_over:
            continue
        last = one.indexes[-1]
        its = TermBill(
            commitment=commitment,
            periods=tuple(
                TermPeriod(
                    period_index=at,
                    covered=parts[at].days,
                    total=DAYS,
                    billed=ZERO if at == last else cents_of(parts[at].spent),
                )
                for at in one.indexes
            ),
            own_index=last,
        )
        totals = bill([line(str(cents_of(parts[last].spent)))], its)
        added += [
            (last, int(true_up.line_total * 100))
            for true_up in totals.lines
            if true_up.line.true_up
        ]
    return added


def cents_of(spent: int) -> Decimal:
    return Decimal(spent).scaleb(-2)


@supporting
@given(
    spent=st.integers(0, 20_000),
    changes=st.lists(st.integers(-5_000, 5_000), max_size=6),
    factor=st.sampled_from(["1", "1.5"]),
    days=st.integers(1, 30),
)
def test_in_whatever_order_corrections_come_all_bills_say_what_one_would(
    spent: int, changes: list[int], factor: str, days: int
) -> None:
    commitment = committed("77.77", overage_factor=Decimal(factor))

    def settle(billed: int, own: int, said: Decimal, *, is_own: bool) -> Decimal:
        its = TermBill(
            commitment=commitment,
            periods=(TermPeriod(period_index=0, covered=days, total=30, billed=cents_of(billed)),),
            own_index=0 if is_own else None,
            said=said,
        )
        return USD.round(its.with_own(cents_of(own)).left_to_say(USD))

    said, so_far = settle(0, spent, ZERO, is_own=True), spent
    for change in changes:
        said += settle(so_far, change, said, is_own=False)
        so_far += change
        assert said >= ZERO

    assert said == settle(0, so_far, ZERO, is_own=True)

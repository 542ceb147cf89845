"""How much a top-up buys."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.credits.top_ups import PerWindow, TopUpTerms
from billing.units import currency_unit

d = Decimal
OFTEN = PerWindow(day=d(10), month=d(100))
CAP = PerWindow(day=d(10) ** 29, month=d(10) ** 29)


def terms(*, threshold: str, step: str, target: str | None = None) -> TopUpTerms:
    """Dollars that are bought in steps."""
    return TopUpTerms(
        unit=currency_unit("USD"),
        threshold=d(threshold),
        step=d(step),
        target=None if target is None else d(target),
        max_count=OFTEN,
        max_amount=CAP,
    )


@pytest.mark.parametrize(
    ("threshold", "step", "available", "left", "bought"),
    [
        pytest.param("100", "40", "35", "1000", "80", id="the documented example"),
        pytest.param("100", "40", "35", "79", "40", id="as far as the caps leave room"),
        pytest.param("100", "40", "35", "39.99", "0", id="not even one step is left"),
        pytest.param("100", "40", "35", "-5", "0", id="more than the cap was bought"),
        pytest.param("100", "30", "35", "1000", "90", id="a gap of steps and a third"),
        pytest.param("100", "30", "40", "1000", "60", id="a gap of whole steps"),
        pytest.param("100", "70", "30", "100", "70", id="a cap of steps and three sevenths"),
        pytest.param("0.07", "0.03", "0", "0.08", "0.06", id="cents that divide by nothing"),
        pytest.param("100", "30", "100", "1000", "0", id="enough is left"),
        pytest.param("0", "30", "-0.01", "1000", "30", id="less than nothing is left"),
    ],
)
def test_whole_steps_fill_the_gap_as_far_as_the_caps_leave_room(
    threshold: str, step: str, available: str, left: str, bought: str
) -> None:
    rule = terms(threshold=threshold, step=step)

    assert rule.amount_for(d(available), left=d(left)) == d(bought)


def test_a_gap_a_trace_above_whole_steps_needs_one_step_more() -> None:
    """The quotient has more digits than Python's own context keeps."""
    rule = terms(threshold="3000000000000000000000000000.01", step="1000000000000000000000000000")

    assert rule.amount_for(d(0), left=d(10) ** 29) == d(4) * d(10) ** 27

"""Quotas and limits as operators write them: what is read, what is refused, when one is reached."""

from __future__ import annotations

import pytest

from billing.errors import Conflict
from billing.quotas import DEFAULTS, MOST, Quota, Quotas, Rate, read_limits


def test_what_is_not_said_is_as_it_was() -> None:
    quotas = Quotas.read(" meters = 200 , plans=50,")

    assert quotas.most == {**DEFAULTS, Quota.METERS: 200, Quota.PLANS: 50}
    assert Quotas.read("").most == DEFAULTS == Quotas().most


@pytest.mark.parametrize("text", ["meter=1", "meters", "meters=", "meters=x", "meters=-1", "=1"])
def test_a_quota_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Quotas.read(text)


def test_one_more_fits_up_to_the_quota_and_no_further() -> None:
    quotas = Quotas.read("plans=2, test_clocks=0, api_keys=1")

    quotas.require_room(Quota.PLANS, 1)
    for quota, present, sentence in (
        (Quota.PLANS, 2, "An organization has at most 2 plans here; there is no room."),
        (Quota.TEST_CLOCKS, 0, "An organization has at most 0 test clocks here; there is no room."),
        (Quota.API_KEYS, 5, "An organization has at most 1 API keys here; there is no room."),
    ):
        with pytest.raises(Conflict) as reached:
            quotas.require_room(quota, present)
        assert reached.value.code == "quota_reached"
        assert sentence in str(reached.value)


def test_limits_of_ones_own_are_numbers_or_the_installations() -> None:
    found = read_limits(["requests=1000", "plans=default", f"events={MOST}", "meters=0"])

    assert found == {"requests": 1000, "plans": None, "events": MOST, "meters": 0}
    assert read_limits([]) == {}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["wishes=1"], "wishes=1: a limit is one of"),
        (["plans=1", "plans=2"], "plans=2: plans stands there twice."),
        (["plans=default", "plans=2"], "plans=2: plans stands there twice."),
        (["plans"], "plans: say plans=NUMBER, or plans=default."),
        (["plans=-1"], "plans=-1: say plans=NUMBER, or plans=default."),
        (["plans=1.5"], "plans=1.5: say plans=NUMBER, or plans=default."),
        ([f"plans={MOST + 1}"], f"plans={MOST + 1}: say plans=NUMBER, or plans=default."),
    ],
)
def test_a_limit_that_cannot_be_is_named_with_what_it_may_be(
    words: list[str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"plans|wishes") as refused:
        read_limits(words)

    assert str(refused.value).startswith(sentence)


def test_every_limit_is_offered_to_whoever_names_none() -> None:
    with pytest.raises(ValueError, match="x=1") as refused:
        read_limits(["x=1"])

    assert all(name in str(refused.value) for name in (*Quota, *Rate))

"""Entitlements: access, what is left, windows, and thresholds (CONTRACT 11, 42, 43)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.entitlements import (
    THRESHOLDS,
    AccessReason,
    Entitlement,
    crossed_thresholds,
    decide_access,
    generosity,
    limiting_generosity,
    most_generous,
    refuse_access,
    require_within_limit,
    reset_window,
)
from billing.errors import Conflict, InvalidInput
from billing.periods import Alignment, Anchor, Interval, Period
from billing.rating.terms import FeatureTerms, FeatureType
from tests.billing.builders import FEATURE, d, limit, plan, utc
from tests.billing.profiles import supporting
from tests.billing.strategies import decimals


@pytest.mark.parametrize(
    ("usage", "soft", "has_access", "remaining"),
    [("800", False, True, "200"), ("999.99", False, True, "0.01"), ("1000", False, False, "0"),
     ("1500", False, False, "0"), ("1000", True, True, "0"), ("1500", True, True, "0")],
)  # fmt: skip
def test_access_ends_at_a_hard_limit_and_stays_over_a_soft_one(
    usage: str, soft: bool, has_access: bool, remaining: str
) -> None:
    resets_at = utc("2025-02-01")

    found = decide_access(limit("1000", soft=soft), usage=d(usage), resets_at=resets_at)

    assert (found.has_access, found.remaining) == (has_access, d(remaining))
    assert (found.usage, found.limit, found.resets_at) == (d(usage), d(1000), resets_at)
    assert found.reason is (None if has_access else AccessReason.LIMIT_REACHED)
    assert found.is_soft_limit is soft
    assert (found.feature_id, found.lookup_key, found.name) == (FEATURE, "api_calls", "API Calls")


def test_no_limit_is_unlimited() -> None:
    found = decide_access(limit(None), usage=d(10**9))

    assert (found.has_access, found.limit, found.remaining) == (True, None, None)


def test_a_disabled_feature_gives_no_access() -> None:
    found = decide_access(limit(None, enabled=False))

    assert (found.has_access, found.is_enabled, found.reason) == (
        False, False, AccessReason.DISABLED,
    )  # fmt: skip
    assert limit("5", enabled=False).hard_limit is None


def other(kind: FeatureType, *, enabled: bool = True, text: str | None = None) -> FeatureTerms:
    return FeatureTerms(
        feature_id=FEATURE,
        lookup_key="sso",
        name="SSO",
        type=kind,
        is_enabled=enabled,
        static_value=text,
    )


def test_switches_and_texts_have_no_usage() -> None:
    on = decide_access(other(FeatureType.SWITCH), resets_at=utc("2025-02-01"))
    off = decide_access(other(FeatureType.SWITCH, enabled=False))
    text = decide_access(other(FeatureType.CUSTOM, text="unlimited"))

    assert on.type is FeatureType.SWITCH
    assert (on.has_access, on.usage, on.resets_at, on.limit) == (True, None, None, None)
    assert (off.has_access, off.reason) == (False, AccessReason.DISABLED)
    assert (text.has_access, text.static_value) == (True, "unlimited")


def test_only_meter_features_have_a_limit() -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(other(FeatureType.SWITCH), usage_limit=d(1))
    assert refused.value.field == "usage_limit"
    with pytest.raises(InvalidInput) as refused:
        limit("-1")
    assert refused.value.field == "usage_limit"


def test_a_feature_that_nobody_grants_is_refused_with_a_reason() -> None:
    found = refuse_access(
        feature_id=FEATURE,
        lookup_key="sso",
        name="SSO",
        type=FeatureType.SWITCH,
        reason=AccessReason.NO_SUBSCRIPTION,
    )

    assert (found.has_access, found.is_enabled) == (False, False)
    assert (found.lookup_key, found.name, found.type) == ("sso", "SSO", FeatureType.SWITCH)
    assert found.reason is AccessReason.NO_SUBSCRIPTION


def test_the_most_generous_subscription_wins() -> None:
    disabled = decide_access(limit(None, enabled=False))
    small = decide_access(limit("10"), usage=d(5))
    large = decide_access(limit("1000"), usage=d(1000))
    large_soft = decide_access(limit("1000", soft=True), usage=d(1000))
    large_used_less = decide_access(limit("1000"), usage=d(900))
    unlimited = decide_access(limit(None))

    order = [disabled, small, large, large_used_less, unlimited]
    for place, best in enumerate(order):
        assert most_generous(order[: place + 1]) is best
        assert most_generous(order[: place + 1][::-1]) is best
    assert most_generous([large, large_soft]) is large_soft
    left = [replace(large_used_less, remaining=d(amount)) for amount in ("1", "2")]
    assert most_generous(left) is left[1]
    twins = [small, replace(small, name="other")]
    assert most_generous(twins) is twins[0]
    with pytest.raises(InvalidInput):
        most_generous([])


def test_generosity_is_enabled_then_unlimited_then_the_highest_limit() -> None:
    by_generosity = [
        (False, d(10)), (False, None), (True, d(0)), (True, d("9.5")), (True, d(10)), (True, None),
    ]  # fmt: skip

    found = [generosity(is_enabled=enabled, limit=most) for enabled, most in by_generosity]

    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_of_equal_limits_one_that_refuses_limits_last() -> None:
    refusing, soft, told = limit(reject=True), limit(soft=True, reject=True), limit()

    assert limiting_generosity(refusing) < limiting_generosity(soft) == limiting_generosity(told)
    assert limiting_generosity(told) < limiting_generosity(limit("1001", reject=True))


grants = st.builds(
    limit,
    st.sampled_from([None, "0", "1", "2"]),
    soft=st.booleans(),
    reject=st.booleans(),
    enabled=st.booleans(),
)


@supporting
@given(st.lists(grants, min_size=1, max_size=4), st.integers(0, 3).map(d))
def test_checks_and_arriving_usage_go_by_the_same_limit(
    granted: list[FeatureTerms], usage_after: Decimal
) -> None:
    checked = most_generous([decide_access(one, usage=usage_after) for one in granted])
    limiting = max(granted, key=limiting_generosity)

    assert (checked.is_enabled, checked.limit) == (limiting.is_enabled, limiting.usage_limit)
    try:
        require_within_limit(limiting, usage_after)
    except Conflict:
        assert not checked.has_access, "nothing is refused that the check grants"


@pytest.mark.parametrize(
    ("reset", "alignment", "at", "start", "end"),
    [(Interval.MONTH, Alignment.START, "2025-03-20", "2025-03-15", "2025-04-15"),
     (None, Alignment.START, "2025-03-20", "2025-01-15", "2025-04-15"),
     (Interval.DAY, Alignment.START, "2025-01-15T10:00", "2025-01-15", "2025-01-16"),
     (Interval.YEAR, Alignment.START, "2026-01-14T23:59", "2025-01-15", "2026-01-15"),
     (Interval.MONTH, Alignment.CALENDAR, "2025-01-20", "2025-01-15", "2025-02-01"),
     (Interval.WEEK, Alignment.CALENDAR, "2025-01-20", "2025-01-20", "2025-01-27")],
)  # fmt: skip
def test_windows_count_from_the_anchor(
    *, reset: Interval | None, alignment: Alignment, at: str, start: str, end: str
) -> None:
    terms = plan(interval=Interval.MONTH, count=3)
    anchor = Anchor(starts_at=utc("2025-01-15"), alignment=alignment)

    window = reset_window(terms, limit(reset=reset), anchor, utc(at))

    assert window == Period(starts_at=utc(start), ends_at=utc(end))


def test_an_event_that_passes_a_hard_limit_is_refused_where_asked_for() -> None:
    rejecting = limit("1000", reject=True)

    require_within_limit(rejecting, d(1000))
    require_within_limit(limit("1000"), d(1001))
    require_within_limit(limit("1000", soft=True, reject=True), d(1001))
    require_within_limit(limit(None, reject=True), d(1001))
    with pytest.raises(Conflict, match="1000") as refused:
        require_within_limit(rejecting, d("1000.01"))
    assert (refused.value.code, refused.value.field) == ("limit_exceeded", "quantity")
    assert refused.value.identifiers == {"feature_id": str(FEATURE)}


@pytest.mark.parametrize(
    ("limit_of", "before", "after", "crossed"),
    [("1000", "0", "799", ()), ("1000", "790", "800", (80,)), ("1000", "800", "999", ()),
     ("1000", "800", "1000", (100,)), ("1000", "0", "1000", (80, 100)),
     ("1000", "1000", "5000", ()), ("0", "0", "5", ()), (None, "0", "5", ()),
     ("3", "2", "2.4", (80,)), ("1000", "795", "800", (80,))],
)  # fmt: skip
def test_thresholds_are_reported_when_they_are_reached(
    limit_of: str | None, before: str, after: str, crossed: tuple[int, ...]
) -> None:
    found = crossed_thresholds(None if limit_of is None else d(limit_of), d(before), d(after))

    assert found == crossed


@supporting
@given(decimals(2000, 2), decimals(2000, 2), decimals(2000, 2), decimals(1000, 2))
def test_each_threshold_is_reported_once_however_usage_grows(
    one: Decimal, two: Decimal, three: Decimal, bound: Decimal
) -> None:
    steps = [d(0), *sorted((one, two, three))]

    reported = [
        percent
        for before, after in itertools.pairwise(steps)
        for percent in crossed_thresholds(bound, before, after)
    ]

    reached = [p for p in THRESHOLDS if bound > 0 and steps[-1] * 100 >= bound * p]
    assert reported == reached


def test_answers_hold_decimals_only() -> None:
    with pytest.raises(InvalidInput):
        Entitlement(
            feature_id=FEATURE,
            lookup_key="k",
            name="n",
            type=FeatureType.METER,
            is_enabled=True,
            has_access=True,
            usage=0.5,  # type: ignore[arg-type]  # what a test says by name
        )

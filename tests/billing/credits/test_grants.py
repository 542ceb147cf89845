"""What a grant is, and how it stands at an instant."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.credits.grants import GrantKind, GrantStatus, Place, Scope, in_order
from billing.errors import InvalidInput
from billing.identifiers import ChargeId, MeterId
from billing.units import Taxation, Unit, currency_unit
from tests.billing.credits.lots import CHARGES, METERS, START, grant

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal(-1)}, "amount"),
        ({"amount": Decimal("0.001")}, "amount"),
        ({"priority": 101}, "priority"),
        ({"priority": -1}, "priority"),
        ({"effective_at": START, "expires_at": START}, "expires_at"),
    ],
)
def test_what_no_grant_can_be_is_refused_and_named(terms: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        grant(**terms)

    assert refused.value.field == field


def test_grant_lives_from_its_beginning_and_up_to_its_expiry() -> None:
    one = grant(effective_at=START, expires_at=START + DAY)

    assert [one.is_alive(START + part * DAY) for part in (-0.1, 0, 0.9, 1)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("rest", "days", "has_ended", "status"),
    [
        (5, -1, False, GrantStatus.PENDING),
        (5, 0, False, GrantStatus.ACTIVE),
        (0, 0, False, GrantStatus.USED),
        (5, 2, False, GrantStatus.EXPIRED),
        (0, 2, False, GrantStatus.USED),
        (0, 0, True, GrantStatus.ENDED),
    ],
)
def test_grant_stands_as_its_rest_and_the_instant_say(
    rest: int, days: int, has_ended: bool, status: GrantStatus
) -> None:
    one = grant(effective_at=START, expires_at=START + 2 * DAY)

    assert one.status(Decimal(rest), at=START + days * DAY, has_ended=has_ended) == status


@pytest.mark.parametrize(
    ("kind", "taxation", "place"),
    [
        (GrantKind.FREE, Taxation.AT_USE, Place.BEFORE_TAX),
        (GrantKind.FREE, Taxation.AT_PURCHASE, Place.BEFORE_TAX),
        (GrantKind.PAID, Taxation.AT_PURCHASE, Place.BEFORE_TAX),
        (GrantKind.PAID, Taxation.AT_USE, Place.AFTER_TAX),
    ],
)
def test_only_what_was_bought_untaxed_pays_gross(
    kind: GrantKind, taxation: Taxation, place: Place
) -> None:
    assert grant(kind=kind, unit=currency_unit("USD", taxation)).place == place


@pytest.mark.parametrize(
    ("code", "scale", "field"),
    [
        ("USD", 3, "scale"),
        ("TOKEN", 13, "scale"),
        ("TOKEN", -1, "scale"),
        ("token", 0, "code"),
        ("T", 0, "code"),
    ],
)
def test_units_that_cannot_be_are_refused_and_named(code: str, scale: int, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Unit(code=code, scale=scale)

    assert refused.value.field == field


def test_unit_says_amounts_up_to_its_scale() -> None:
    tokens = Unit(code="TOKENS", scale=0)

    assert (tokens.round(Decimal("2.5")), tokens.finest, tokens.is_currency) == (3, 1, False)
    assert tokens.share(Decimal(10), (Decimal(1), Decimal(1), Decimal(1))) == (4, 3, 3)
    with pytest.raises(InvalidInput, match="TOKENS"):
        tokens.require_scale(Decimal("0.5"), field="amount")


CHARGE, OTHER_CHARGE = CHARGES
METER, OTHER_METER = METERS


@pytest.mark.parametrize(
    ("meters", "charges", "is_restricted", "pays"),
    [
        pytest.param([], [], False, "both charge meter neither", id="everything"),
        pytest.param([METER], [], True, "both meter", id="of a meter"),
        pytest.param([], [CHARGE], True, "both charge", id="of a charge"),
        pytest.param([METER], [CHARGE], True, "both charge meter", id="of either"),
        pytest.param([OTHER_METER], [OTHER_CHARGE], True, "", id="of others"),
    ],
)
def test_a_grant_pays_lines_of_its_meters_and_of_its_charges(
    *, meters: list[MeterId], charges: list[ChargeId], is_restricted: bool, pays: str
) -> None:
    scope = Scope(meter_ids=frozenset(meters), charge_ids=frozenset(charges))
    of = {
        "both": (CHARGE, METER),
        "charge": (CHARGE, None),
        "meter": (None, METER),
        "neither": (None, None),
    }

    assert scope.is_restricted is is_restricted
    assert [name for name, line in of.items() if scope.covers(*line)] == pays.split()


def test_a_grant_may_have_any_priority_to_a_hundred_and_live_for_a_moment() -> None:
    moment = timedelta(microseconds=1)

    assert [grant(priority=one).priority for one in (0, 100)] == [0, 100]
    one = grant(effective_at=START, expires_at=START + moment)
    assert [one.is_alive(START + n * moment) for n in (-1, 0, 1)] == [False, True, False]


@pytest.mark.parametrize("priority", [True, 1.5, "50"])
def test_a_priority_is_a_whole_number(priority: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        grant(priority=priority)

    assert refused.value.field == "priority"


def test_refusals_of_grants_have_their_own_codes() -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"amount": Decimal(0)}, "not_positive"),
        ({"amount": Decimal("0.001")}, "finer_than_unit"),
        ({"effective_at": START, "expires_at": START - DAY}, "expires_before_it_begins"),
    ]
    for terms, code in cases:
        with pytest.raises(InvalidInput) as refused:
            grant(**terms)
        assert refused.value.code == code


def test_grants_stand_in_the_order_in_which_they_pay_however_they_are_found() -> None:
    first = grant(priority=1, kind=GrantKind.PAID)
    soon = grant(expires_at=START + DAY)
    of_one = grant(applies_to=Scope(meter_ids=frozenset({METER})))
    free = grant()
    paid = grant(kind=GrantKind.PAID)
    last = grant(priority=100, expires_at=START)

    ranked = [first, soon, of_one, free, paid, last]
    assert in_order(ranked[::-1]) == ranked
    assert in_order([paid, last, free, soon, first, of_one]) == ranked
    assert in_order([]) == []

"""What a grant is, and how it stands at an instant."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.credits.grants import GrantKind, GrantStatus, Place
from billing.errors import InvalidInput
from billing.units import Taxation, Unit, currency_unit
from tests.billing.credits.lots import START, grant

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

"""Amounts become what each provider writes and come back the same, or are refused by name."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.currencies import MINOR_UNIT_EXPONENTS
from billing.errors import InvalidInput
from billing.payments.gateways import Provider
from billing.payments.minor_units import from_minor, minor_units_of, to_minor
from tests.billing.profiles import supporting

STRIPE_WITHOUT_DECIMALS = [
    *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
    *("PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"),
]
"""Stripe's page on currencies, "zero-decimal currencies", without UGX: its special case decides."""


@pytest.mark.parametrize("currency", STRIPE_WITHOUT_DECIMALS)
def test_stripe_takes_its_zero_decimal_currencies_as_they_are(currency: str) -> None:
    assert to_minor(Provider.STRIPE, Decimal(500), currency) == 500
    assert from_minor(Provider.STRIPE, 500, currency.lower()) == 500


def test_stripe_has_no_other_zero_decimal_currency() -> None:
    whole = {
        code for code in MINOR_UNIT_EXPONENTS if units_or_none(Provider.STRIPE, code) == (0, 1)
    }

    # UYI is a unit of account that nobody can be charged in: Stripe refuses it by itself.
    assert whole == {*STRIPE_WITHOUT_DECIMALS, "UYI"}


@pytest.mark.parametrize(
    ("provider", "amount", "currency", "minor"),
    [
        (Provider.STRIPE, "82.45", "USD", 8245),
        (Provider.STRIPE, "5", "ISK", 500),
        (Provider.STRIPE, "5", "UGX", 500),
        (Provider.STRIPE, "10.45", "HUF", 1045),
        (Provider.STRIPE, "800.45", "TWD", 80045),
        (Provider.STRIPE, "5.120", "KWD", 5120),
        (Provider.STRIPE, "5.00", "MGA", 5),
        (Provider.RAZORPAY, "299.95", "INR", 29995),
        (Provider.RAZORPAY, "295", "JPY", 295),
        (Provider.RAZORPAY, "295.99", "KWD", 295990),
        (Provider.RAZORPAY, "5", "ISK", 5),
        (Provider.RAZORPAY, "5.25", "MGA", 525),
        (Provider.SANDBOX, "5.125", "KWD", 5125),
        (Provider.SANDBOX, "5.1255", "CLF", 51255),
    ],
)
def test_amount_is_what_the_provider_documents(
    provider: Provider, amount: str, currency: str, minor: int
) -> None:
    assert to_minor(provider, Decimal(amount), currency) == minor
    assert from_minor(provider, minor, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("provider", "amount", "currency", "why"),
    [
        (Provider.STRIPE, "0", "usd", "0 USD cannot be charged at stripe: it is not above zero."),
        (Provider.STRIPE, "-0.01", "USD", "it is not above zero."),
        (Provider.STRIPE, "0.005", "USD", "it is no multiple of 0.01."),
        (Provider.STRIPE, "5.50", "ISK", "it is no multiple of 1."),
        (Provider.STRIPE, "5.01", "UGX", "it is no multiple of 1."),
        (Provider.STRIPE, "5.25", "MGA", "it is no multiple of 1."),
        (
            Provider.STRIPE,
            "5.5",
            "JPY",
            "5.5 JPY cannot be charged at stripe: it is no multiple of 1.",
        ),
        (Provider.STRIPE, "5.125", "KWD", "it is no multiple of 0.01."),
        (Provider.RAZORPAY, "295.991", "KWD", "it is no multiple of 0.01."),
        (Provider.RAZORPAY, "1E+17", "INR", "INR cannot be charged at razorpay: it is too large."),
    ],
)
def test_what_cannot_be_charged_is_refused_and_never_rounded(
    provider: Provider, amount: str, currency: str, why: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_minor(provider, Decimal(amount), currency)

    assert refused.value.detail.endswith(why)
    assert (refused.value.code, refused.value.field) == ("unchargeable_amount", "amount")


@pytest.mark.parametrize("provider", [Provider.STRIPE, Provider.RAZORPAY])
def test_units_of_account_cannot_be_charged(provider: Provider) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_minor(provider, Decimal(1), "CLF")

    assert (refused.value.code, refused.value.field) == ("unchargeable_currency", "currency")
    assert refused.value.detail == f"CLF cannot be charged at {provider}."


@pytest.mark.parametrize("minor", [-1, True, 10**18 + 1])
def test_nothing_but_whole_numbers_is_read(minor: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_minor(Provider.STRIPE, minor, "USD")

    assert (refused.value.code, refused.value.field) == ("invalid_number", "amount")
    assert refused.value.detail == "An amount in minor units is a whole number of zero or more."


def test_nothing_and_as_much_as_a_provider_writes_are_read_and_asked() -> None:
    assert from_minor(Provider.STRIPE, 0, "USD") == 0
    assert from_minor(Provider.STRIPE, 10**18, "USD") == Decimal("1E+16")
    assert to_minor(Provider.STRIPE, Decimal("1E+16"), "USD") == 10**18


def test_a_float_is_no_amount() -> None:
    with pytest.raises(InvalidInput, match="finite decimal"):
        to_minor(Provider.STRIPE, 1.5, "USD")  # type: ignore[arg-type] # that is what is tried


def test_what_is_read_has_the_places_of_the_currency() -> None:
    assert str(from_minor(Provider.STRIPE, 500, "ISK")) == "5"
    assert str(from_minor(Provider.STRIPE, 5, "MGA")) == "5.00"
    assert str(from_minor(Provider.STRIPE, 5120, "KWD")) == "5.120"
    # Never asked for, but what a provider says is not bent.
    assert from_minor(Provider.STRIPE, 550, "ISK") == Decimal("5.5")


def units_or_none(provider: Provider, currency: str) -> tuple[int, int] | None:
    try:
        units = minor_units_of(provider, currency)
    except InvalidInput:
        return None
    return units.exponent, units.step


chargeable = st.sampled_from(
    [
        (provider, code)
        for provider in Provider
        for code in MINOR_UNIT_EXPONENTS
        if units_or_none(provider, code) is not None
    ]
)


@supporting
@given(chargeable, st.integers(min_value=1, max_value=10**12))
def test_whatever_is_charged_comes_back(pair: tuple[Provider, str], steps: int) -> None:
    provider, currency = pair
    units = minor_units_of(provider, currency)
    minor = steps * units.step

    amount = from_minor(provider, minor, currency)

    assert to_minor(provider, amount, currency) == minor
    assert amount == Decimal(minor).scaleb(-units.exponent)


@supporting
@given(chargeable, st.decimals(min_value="0.0001", max_value=10**9, places=4))
def test_an_amount_is_charged_exactly_or_not_at_all(
    pair: tuple[Provider, str], amount: Decimal
) -> None:
    provider, currency = pair
    units = minor_units_of(provider, currency)
    if amount % Decimal(units.step).scaleb(-units.exponent):
        with pytest.raises(InvalidInput, match="no multiple of"):
            to_minor(provider, amount, currency)
    else:
        minor = to_minor(provider, amount, currency)
        assert from_minor(provider, minor, currency) == amount

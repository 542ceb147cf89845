"""As what an amount is taxed on an e-invoice: one category, one percentage, and why not."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.identifiers import TaxRateId
from billing.invoicing.tax_categories import (
    EXEMPTIONS,
    Exemption,
    TaxCategory,
    exemption_of,
    require_category,
)
from billing.invoicing.tax_treatment import treatment_of, treatment_of_untaxed
from billing.invoicing.taxes import TaxAmount, TaxRate, calculate_taxes
from tests.billing.builders import USD, d
from tests.billing.profiles import supporting

SENTENCES = {
    "invalid_category": "Category S has a percentage above 0, every other has 0.",
    "invalid_exemption_reason": (
        "An exemption reason needs a category that is exempt: E, AE, K, G or O."
    ),
}


def taxed(
    percentage: str | Decimal, category: TaxCategory | None = None, reason: str | None = None
) -> TaxAmount:
    return TaxAmount(
        tax_rate_id=TaxRateId(UUID(int=1)),
        name="VAT",
        percentage=d(percentage) if isinstance(percentage, str) else percentage,
        is_inclusive=False,
        taxable=d(0),
        amount=d(0),
        category=category,
        exemption_reason=reason,
    )


def test_rates_on_one_amount_stand_as_one() -> None:
    found = treatment_of([taxed("5"), taxed("9.975")])

    assert (found.category, found.percentage, found.exemption) == ("S", d("14.975"), None)


def test_amount_without_a_rate_is_outside_of_the_tax() -> None:
    found = treatment_of([])

    assert (found.category, found.percentage) == ("O", None)
    assert found.exemption == Exemption(reason="Not subject to VAT", code="VATEX-EU-O")


def test_rate_of_nothing_is_zero_rated_unless_it_says_why() -> None:
    zero, exempt, export = (
        treatment_of([taxed("0")]),
        treatment_of([taxed("0"), taxed("0", TaxCategory.EXEMPT, "Doctors are")]),
        treatment_of([taxed("0", TaxCategory.EXPORT), taxed("0", TaxCategory.EXEMPT)]),
    )

    assert (zero.category, zero.percentage, zero.exemption) == ("Z", 0, None)
    assert (exempt.category, exempt.exemption) == (
        "E",
        Exemption(reason="Doctors are", is_ours=False),
    )
    assert (export.category, export.exemption) == ("G", EXEMPTIONS[TaxCategory.EXPORT])


def test_rate_that_is_named_outside_has_no_percentage() -> None:
    assert treatment_of([taxed("0", TaxCategory.OUTSIDE)]).percentage is None


@supporting
@given(
    st.lists(
        st.builds(
            taxed,
            st.decimals(min_value=0, max_value=40, places=3),
            st.sampled_from([None, *TaxCategory]),
        ),
        max_size=4,
    )
)
def test_whoever_pays_tax_needs_no_reason_and_whoever_does_not_has_one(
    taxes: list[TaxAmount],
) -> None:
    found = treatment_of(taxes)
    untaxed = treatment_of_untaxed(found)

    percentage = sum((one.percentage for one in taxes), d(0))
    if percentage > 0:
        assert (found.category, found.percentage) == (TaxCategory.STANDARD, percentage)
        assert found.exemption is None
    elif found.category not in (TaxCategory.STANDARD, TaxCategory.ZERO_RATED):
        assert found.exemption is not None
    assert untaxed.category in (TaxCategory.EXEMPT, TaxCategory.OUTSIDE)
    assert (untaxed == found) is (found.category in (TaxCategory.EXEMPT, TaxCategory.OUTSIDE))


@pytest.mark.parametrize("category", TaxCategory)
def test_reason_of_an_organization_keeps_the_code_of_the_category(category: TaxCategory) -> None:
    usual, own = exemption_of(category, None), exemption_of(category, "Because")

    assert usual == EXEMPTIONS.get(category)
    assert own == (usual and Exemption(reason="Because", code=usual.code, is_ours=False))


@pytest.mark.parametrize(
    ("category", "percentage", "reason", "code"),
    [
        (None, "19", None, None),
        (None, "0", None, None),
        (TaxCategory.STANDARD, "19", None, None),
        (TaxCategory.STANDARD, "0", None, "invalid_category"),
        (TaxCategory.EXEMPT, "0.001", None, "invalid_category"),
        (TaxCategory.ZERO_RATED, "0", None, None),
        (TaxCategory.EXEMPT, "0", "Because", None),
        (TaxCategory.ZERO_RATED, "0", "Because", "invalid_exemption_reason"),
        (None, "0", "Because", "invalid_exemption_reason"),
    ],
)
def test_category_agrees_with_its_percentage_and_its_reason(
    category: TaxCategory | None, percentage: str, reason: str | None, code: str | None
) -> None:
    if code is None:
        require_category(category, d(percentage), reason)
        return
    with pytest.raises(InvalidInput) as refused:
        require_category(category, d(percentage), reason)
    assert refused.value.code == code
    assert refused.value.field == code.removeprefix("invalid_")
    assert refused.value.detail == SENTENCES[code]


def test_tax_of_a_bill_remembers_as_what_its_rate_taxes() -> None:
    (found,) = calculate_taxes(d(100), [taxed("0", TaxCategory.EXEMPT, "Doctors are")], USD)

    assert (found.category, found.exemption_reason) == (TaxCategory.EXEMPT, "Doctors are")
    assert found.exemption == Exemption(reason="Doctors are", is_ours=False)
    assert taxed("0").exemption is None
    assert taxed("0", TaxCategory.EXPORT).exemption == EXEMPTIONS[TaxCategory.EXPORT]


@pytest.mark.parametrize(
    ("category", "percentage", "reason", "code"),
    [
        (TaxCategory.STANDARD, "0", None, "invalid_category"),
        (TaxCategory.EXEMPT, "19", None, "invalid_category"),
        (None, "0", "Because", "invalid_exemption_reason"),
    ],
)
def test_rate_that_contradicts_its_category_is_none(
    category: TaxCategory | None, percentage: str, reason: str | None, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        TaxRate(
            tax_rate_id=TaxRateId(UUID(int=1)),
            name="VAT",
            country="DE",
            percentage=d(percentage),
            category=category,
            exemption_reason=reason,
        )

    assert refused.value.code == code

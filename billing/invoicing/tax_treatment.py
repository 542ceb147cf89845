"""How an e-invoice says what a document's amounts are taxed by: one category and one percentage.

EN 16931 has one tax on a line. All rates of a document are on the same amount, so that they stand
there as one, whose percentage is their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.invoicing.own_words import SETTLED
from billing.invoicing.tax_categories import Exemption, TaxCategory, exemption_of
from billing.invoicing.taxes import TaxAmount
from billing.money import ZERO, exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """A category, its percentage, and why there is no tax. Outside of the tax is no percentage."""

    category: TaxCategory
    percentage: Decimal | None
    exemption: Exemption | None = None


_OUTSIDE: Final = Treatment(
    category=TaxCategory.OUTSIDE,
    percentage=None,
    exemption=exemption_of(TaxCategory.OUTSIDE, None),
)
_SETTLED: Final = Treatment(
    category=TaxCategory.EXEMPT,
    percentage=ZERO,
    exemption=Exemption(reason=SETTLED),
)


@exactly
def treatment_of(taxes: Sequence[TaxAmount]) -> Treatment:
    """Give the treatment of what is taxed. Worked example: 5 % and 9.975 % are S with 14.975 %.

    Without any rate the document is outside of the tax. Rates of 0 alone take the category of the
    first that has one.
    """
    percentage = sum((one.percentage for one in taxes), ZERO)
    if percentage > ZERO:
        return Treatment(category=TaxCategory.STANDARD, percentage=percentage)
    if not taxes:
        return _OUTSIDE
    named = next((one for one in taxes if one.category), taxes[0])
    category = named.category or TaxCategory.ZERO_RATED
    return Treatment(
        category=category,
        percentage=None if category is TaxCategory.OUTSIDE else ZERO,
        exemption=exemption_of(category, named.exemption_reason),
    )


def treatment_of_untaxed(treatment: Treatment) -> Treatment:
    """Give the treatment of lines that bear no tax on a document whose other lines have another.

    They are credit from or to another invoice, which was computed after tax. Outside and exempt
    amounts have one entry each on a document (BR-O-11, BR-E-08).
    """
    is_same = treatment.category in {TaxCategory.OUTSIDE, TaxCategory.EXEMPT}
    return treatment if is_same else _SETTLED

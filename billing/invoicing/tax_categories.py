"""Tax categories: as what an amount is taxed, in the letters of every e-invoice (UNTDID 5305).

An amount without tax says why it has none: in words, and where there is one by a code (VATEX).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.errors import InvalidInput
from billing.money import ZERO


class TaxCategory(StrEnum):
    """As what an amount is taxed."""

    STANDARD = "S"
    ZERO_RATED = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE = "O"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Why there is no tax: in words, and by the code that software reads.

    ``is_ours`` says that the words are the product's, which documents say in their language.
    """

    reason: str
    code: str | None = None
    is_ours: bool = True


EXEMPTIONS: Final = {
    TaxCategory.EXEMPT: Exemption(reason="Exempt from tax"),
    TaxCategory.REVERSE_CHARGE: Exemption(reason="Reverse charge", code="VATEX-EU-AE"),
    TaxCategory.INTRA_COMMUNITY: Exemption(reason="Intra-Community supply", code="VATEX-EU-IC"),
    TaxCategory.EXPORT: Exemption(reason="Export outside the EU", code="VATEX-EU-G"),
    TaxCategory.OUTSIDE: Exemption(reason="Not subject to VAT", code="VATEX-EU-O"),
}
"""What is said where an organization gives no reason of its own."""


def exemption_of(category: TaxCategory, reason: str | None) -> Exemption | None:
    """Why amounts of a category have no tax; None where that needs no reason."""
    usual = EXEMPTIONS.get(category)
    if usual is None or reason is None:
        return usual
    return Exemption(reason=reason, code=usual.code, is_ours=False)


def require_category(category: TaxCategory | None, percentage: Decimal, reason: str | None) -> None:
    """Refuse a category that the percentage contradicts, and a reason where nothing is exempt.

    Raises: InvalidInput ``invalid_category`` or ``invalid_exemption_reason``. Source: EN 16931,
    BR-S-05, BR-Z-05, BR-E-05, BR-Z-10.
    """
    if category is not None and (category is TaxCategory.STANDARD) != (percentage > ZERO):
        raise InvalidInput(
            "Category S has a percentage above 0, every other has 0.",
            code="invalid_category",
            field="category",
        )
    if reason is not None and category not in EXEMPTIONS:
        raise InvalidInput(
            "An exemption reason needs a category that is exempt: E, AE, K, G or O.",
            code="invalid_exemption_reason",
            field="exemption_reason",
        )

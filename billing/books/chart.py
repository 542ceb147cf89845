"""The chart of accounts: few, with names that stay. Source: docs/concepts/books.md."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.money import plain_text

RECEIVABLE: Final = "Assets:Receivable"
SPENT_CREDIT: Final = "Assets:Receivable:SpentCredit"
CASH: Final = "Assets:Cash"
CUSTOMER_CREDIT: Final = "Liabilities:CustomerCredit"
PREPAID_CREDIT: Final = "Liabilities:PrepaidCredit"
TAX: Final = "Liabilities:Tax"
REVENUE: Final = "Income:Revenue"
BREAKAGE: Final = "Income:Breakage"
BAD_DEBT: Final = "Expenses:BadDebt"
GATEWAY_FEES: Final = "Expenses:GatewayFees"

BY_HAND: Final = "ByHand"
UNTAXED: Final = "Untaxed"
_NO_PART_OF_A_NAME: Final = re.compile(r"[^A-Za-z0-9]+")


class PostingKind(StrEnum):
    """Why the balance of a customer's account moved, and so what the other side of it is."""

    OPENED = "opened"
    CARRIED = "carried"
    GRANTED = "granted"
    RETURNED = "returned"
    CREDITED = "credited"
    PAID = "paid"
    APPLIED = "applied"
    UNAPPLIED = "unapplied"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    WRITTEN_OFF = "written_off"
    RESTORED = "restored"
    RECOVERED = "recovered"
    OWED = "owed"
    SETTLED = "settled"
    FEE = "fee"
    FEE_TAKEN = "fee_taken"


OF_BILLS: Final = frozenset(
    {
        PostingKind.OPENED,
        PostingKind.CARRIED,
        PostingKind.GRANTED,
        PostingKind.RETURNED,
        PostingKind.CREDITED,
    }
)
"""By these bills and notes move an account; by all others money does."""

OF_MONEY: Final = frozenset(
    {
        PostingKind.PAID,
        PostingKind.REFUNDED,
        PostingKind.REFUND_FAILED,
        PostingKind.FEE_TAKEN,
    }
)
OF_BAD_DEBT: Final = frozenset(
    {PostingKind.WRITTEN_OFF, PostingKind.RESTORED, PostingKind.RECOVERED}
)
OF_SPENT_CREDIT: Final = frozenset({PostingKind.OWED, PostingKind.SETTLED})
"""Money went back whose credit was spent, or that was not there any more, so that the customer owes
it until credit comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A tax rate that stands on an invoice, and where it applies."""

    name: str
    percentage: Decimal
    country: str
    state: str | None = None

    @property
    def part(self) -> str:
        """Its name in an account: ``GB-VAT-20``, ``US-CA-Sales-tax-7-25``."""
        words = (self.country, self.state or "", self.name, plain_text(self.percentage))
        return _part_of_name(" ".join(words))


def other_side(kind: PostingKind, provider: str | None) -> str:
    """The account that has as much less as a posting puts on a customer's account.

    ``provider`` is the gateway of the payment, None for one by hand. Of what comes and goes that is
    cash, of what nobody will pay bad debt, of what is owed of spent credit a receivable of no
    invoice; bills and notes give and take what they are due.
    """
    if kind in OF_MONEY:
        return f"{CASH}:{BY_HAND if provider is None else provider.capitalize()}"
    if kind in OF_SPENT_CREDIT:
        return SPENT_CREDIT
    if kind is PostingKind.FEE:
        return GATEWAY_FEES
    return BAD_DEBT if kind in OF_BAD_DEBT else RECEIVABLE


def tax_account(rate: Rate) -> str:
    """What is owed to the state of one rate."""
    return f"{TAX}:{rate.part}"


def revenue_account(rates: Sequence[Rate]) -> str:
    """What was sold under these rates together."""
    return f"{REVENUE}:{'-and-'.join(rate.part for rate in rates) or UNTAXED}"


def _part_of_name(words: str) -> str:
    """Letters, digits and dashes, which every program takes for a name."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    return _NO_PART_OF_A_NAME.sub("-", plain).strip("-")

"""The check of the ledger of credit on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from uuid import UUID

from api.schemas.common import View
from services.credits.checks import CreditCheck, CreditRule


class CreditFindingView(View):
    """A rule of credit that does not hold."""

    rule: CreditRule
    """The rule."""
    detail: str
    """What is wrong, for people."""
    customer_id: UUID
    unit: str
    """In which unit it is wrong."""
    grant_id: UUID | None
    """Of which grant; null where it is the wallet's."""
    invoice_id: UUID | None
    """By which invoice; null where it is by none."""


class CreditCheckView(View):
    """Whether the ledger of credit adds up."""

    wallets: int
    """How many customers have, or had, credit, in each unit by itself."""
    grants: int
    """How many grants there are."""
    findings: list[CreditFindingView]
    """What is wrong; empty where all is well."""


def view_check(check: CreditCheck) -> CreditCheckView:
    """The check as the API shows it."""
    return CreditCheckView(
        wallets=check.wallets,
        grants=check.grants,
        findings=[
            CreditFindingView.model_validate(one, from_attributes=True) for one in check.findings
        ],
    )

"""Whether the ledger of credit adds up, looked at from outside of what writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from repositories.credits import checks as stored_checks


class CreditRule(StrEnum):
    """What always holds of credit."""

    ZERO_SUMS = "zero_sums"
    RESTS_IN_BOUNDS = "rests_in_bounds"
    PARTS_MAKE_THE_WHOLE = "parts_make_the_whole"
    DRAWS_WITHIN_LIFE = "draws_within_life"
    MOVED_ONCE = "moved_once"
    DRAWS_AS_BILLED = "draws_as_billed"
    REFUNDS_COST_WHAT_WAS_LEFT = "refunds_cost_what_was_left"
    TOP_UPS_WITHIN_CAPS = "top_ups_within_caps"


DETAILS = {
    CreditRule.ZERO_SUMS: "The balances of a wallet are not the sums of its postings.",
    CreditRule.RESTS_IN_BOUNDS: "The rests of a grant are not the sums of its postings.",
    CreditRule.PARTS_MAKE_THE_WHOLE: "What became of a grant, or of a hold, is not all of it.",
    CreditRule.DRAWS_WITHIN_LIFE: "A grant paid for what was used while it was not alive.",
    CreditRule.MOVED_ONCE: "A posting has the key of another movement.",
    CreditRule.DRAWS_AS_BILLED: "What an invoice drew is not what it says that grants pay.",
    CreditRule.REFUNDS_COST_WHAT_WAS_LEFT: "Notes give back another sum than was taken back.",
    CreditRule.TOP_UPS_WITHIN_CAPS: "A rule topped up more often, or by more, than its caps say.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditFinding:
    """One rule that does not hold, in a sentence for people, and where."""

    rule: CreditRule
    detail: str
    customer_id: UUID
    unit: str
    grant_id: UUID | None
    invoice_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCheck:
    """How much was looked at, and everything that is wrong."""

    wallets: int
    grants: int
    findings: Sequence[CreditFinding]


def check_credits(session: Session, organization_id: UUID) -> CreditCheck:
    """Everything that contradicts the rules of the ledger, up to a thousand of each rule."""
    wallets, grants = stored_checks.count(session, organization_id)
    return CreditCheck(
        wallets=wallets, grants=grants, findings=list_findings(session, organization_id)
    )


def list_findings(session: Session, organization_id: UUID) -> list[CreditFinding]:
    """As :func:`check_credits`, without counting."""
    return [
        CreditFinding(
            rule=CreditRule(one.rule),
            detail=DETAILS[CreditRule(one.rule)],
            customer_id=one.customer_id,
            unit=one.unit,
            grant_id=one.grant_id,
            invoice_id=one.invoice_id,
        )
        for one in stored_checks.list_contradictions(session, organization_id)
    ]

"""Whether the ledger of credit adds up, looked at from outside of what writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from billing.credits.evidence import DrawingRecord, draw_again
from billing.errors import InvalidInput
from billing.invoicing.receipts import digest, from_document
from repositories.credits import checks as stored_checks
from repositories.credits import drawings as stored_drawings
from repositories.credits.drawings import StoredDrawing


class CreditRule(StrEnum):
    """What always holds of credit."""

    ZERO_SUMS = "zero_sums"
    RESTS_IN_BOUNDS = "rests_in_bounds"
    PARTS_MAKE_THE_WHOLE = "parts_make_the_whole"
    DRAWS_WITHIN_LIFE = "draws_within_life"
    MOVED_ONCE = "moved_once"
    DRAWS_AS_BILLED = "draws_as_billed"
    DRAWS_DECIDED_AGAIN = "draws_decided_again"
    REFUNDS_COST_WHAT_WAS_LEFT = "refunds_cost_what_was_left"
    TOP_UPS_WITHIN_CAPS = "top_ups_within_caps"


DETAILS = {
    CreditRule.ZERO_SUMS: "The balances of a wallet are not the sums of its postings.",
    CreditRule.RESTS_IN_BOUNDS: "The rests of a grant are not the sums of its postings.",
    CreditRule.PARTS_MAKE_THE_WHOLE: "What became of a grant, or of a hold, is not all of it.",
    CreditRule.DRAWS_WITHIN_LIFE: "A grant paid for what was used while it was not alive.",
    CreditRule.MOVED_ONCE: "A posting has the key of another movement.",
    CreditRule.DRAWS_DECIDED_AGAIN: "The lots and usage of an invoice lead to other draws.",
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
    return _list_broken(session, organization_id) + [
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


def _list_broken(session: Session, organization_id: UUID) -> list[CreditFinding]:
    """Invoices whose draws are not those that their evidence leads to (I6)."""
    rule = CreditRule.DRAWS_DECIDED_AGAIN
    return [
        CreditFinding(
            rule=rule,
            detail=DETAILS[rule],
            customer_id=one.customer_id,
            unit=one.unit,
            grant_id=None,
            invoice_id=one.invoice_id,
        )
        for one in stored_drawings.list_drawings(session, organization_id)
        if not _is_decided_so(one)
    ]


def _is_decided_so(kept: StoredDrawing) -> bool:
    try:
        record = from_document(DrawingRecord, kept.content)
    except InvalidInput:
        return False
    said = {
        (UUID(one["grant_id"]), one["position"], one["place"]): (
            Decimal(one["amount"]),
            Decimal(one["money"]),
        )
        for one in kept.draws
    }
    again = {
        (one.grant_id, one.position, one.place): (one.amount, one.money)
        for one in draw_again(record)
    }
    return digest(record) == kept.digest and said == again

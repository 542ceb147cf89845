"""Commitments of plans, and what they add to invoices, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.catalog.plan_edits import EditView, EffectiveChoice
from api.schemas.common import Count, Exact, Moment, Money, NotNegative, Price, Schema, View
from billing.commitments.terms import MOST_PERIODS
from billing.invoicing.invoices import InvoiceTotals
from billing.money import ONE
from billing.rating.lines import LineType
from models.catalog.commitments import Commitment
from models.invoicing.invoices import InvoiceLine
from services.catalog.commitments import AddCommitment
from services.documents.contents import shown_line_of

TermPeriods = Annotated[
    Count, Field(json_schema_extra={"minimum": 1, "maximum": MOST_PERIODS}, examples=[12])
]
"""Checked by ``billing.commitments.terms.CommitmentTerms``."""

MOST_CHARGES = 100


class CommitmentCreate(Schema):
    """What customers of the plan owe of a term at least."""

    amount: Price
    """What a whole term comes to at least, in major units of the plan's currency."""
    charge_ids: Annotated[list[UUID], Field(max_length=MOST_CHARGES)] = Field(default_factory=list)
    """The charges of the plan whose lines count; by default all that are priced in money."""
    term_periods: TermPeriods = 1
    """How many billing periods a term has: 12 of a monthly plan are a year."""
    overage_factor: NotNegative = ONE
    """How many times what the charges come to beyond the amount is due: 1.5 makes what is beyond
    half as dear again, 0.8 a fifth cheaper."""
    effective: EffectiveChoice = None

    def command(self) -> AddCommitment:
        """The command that the body stands for."""
        return self.fill(AddCommitment)


class CommitmentView(View, like=(CommitmentCreate,)):
    """A commitment of a plan."""

    id: UUID
    plan_id: UUID
    amount: Money
    charge_ids: list[UUID]
    """The charges whose lines count; empty for all that are priced in money."""
    term_periods: int
    overage_factor: Exact
    created_at: Moment
    ended_at: Moment | None
    """When it was ended; null while the plan has it."""


class EditedCommitmentView(CommitmentView, EditView):
    """A commitment that an edit left behind, and what the edit reaches."""


class TrueUpView(View):
    """What a commitment adds to an invoice."""

    commitment_id: UUID
    """The commitment."""
    line_id: UUID | None
    """The line; null in a preview, whose lines have no ids."""
    amount: Money
    """The amount of the line, in the invoice's currency: what is missing of the commitment, or what
    is beyond it costs more; below 0 where that is less than was billed before."""


def view_commitment(row: Commitment) -> CommitmentView:
    """The commitment as the API shows it."""
    return CommitmentView.model_validate(row, from_attributes=True)


def view_true_ups(lines: Sequence[InvoiceLine]) -> list[TrueUpView]:
    """What commitments add to an invoice, in the order of its lines."""
    return [
        TrueUpView(
            commitment_id=true_up.commitment.commitment_id, line_id=line.id, amount=line.line_total
        )
        for line in lines
        if line.type == LineType.TRUE_UP and (true_up := shown_line_of(line).true_up) is not None
    ]


def view_supposed_true_ups(totals: InvoiceTotals) -> list[TrueUpView]:
    """What commitments would add to an invoice."""
    return [
        TrueUpView(
            commitment_id=one.line.true_up.commitment.commitment_id,
            line_id=None,
            amount=one.line_total,
        )
        for one in totals.lines
        if one.line.true_up is not None
    ]

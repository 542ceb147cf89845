"""What an invoice is computed of, and whether it comes out again (CONTRACT section 6)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import Moment, Quantity, View
from billing.rating.lines import CalculationStep
from services.invoicing.proofs import Explanation, Verification


class CalculationStepView(View):
    """One step of a line's arithmetic."""

    name: str
    """What is computed."""
    inputs: Annotated[dict[str, str], Field(examples=[{"quantity": "500", "unit_price": "0.001"}])]
    """What goes in, by name: numbers as decimal strings, and words. Which there are depends on the
    step."""
    output: str = Field(examples=["0.5"])
    """What comes out, as a decimal string."""


class ExplainedEventsView(View):
    """The events that a line counts."""

    count: int
    """How many events were counted."""
    digest: str | None
    """The fingerprint of the events, of a line with a `group` those of all groups of its charge;
    null for a line without a meter."""
    url: str | None
    """The path of the list of exactly the events of the fingerprint; null for a line without a
    meter."""


class UsageChangeView(View):
    """What changed a period after its invoice was final: a late event, or a correction of one."""

    cause: Literal["late", "voided", "amended"]
    """Whether the event arrived late, was taken back, or had its quantity changed."""
    event_id: UUID
    """The event."""
    meter_id: UUID
    """The meter that it is of."""
    idempotency_key: str | None
    """The key that the event came with; null where it came without."""
    timestamp: Moment
    """When the event happened."""
    known_at: Moment
    """When it arrived, or was corrected."""
    quantity: Quantity
    """With which quantity it counts since, in the unit of the meter; 0 if it was taken back."""
    was: Quantity
    """With which quantity it counted before, in the unit of the meter; 0 if it arrived late."""
    actor: str | None
    """Who corrected it, as the audit log has it: `user:` or `api_key:` and an id; null where it
    arrived late."""


class LineChangesView(View):
    """Why a late line is there: what came after the documents of its period."""

    data: list[UsageChangeView]
    """The first of them, at most 20, in the order in which they came."""
    count: int
    """How many there are; 10,000 stands for that many and more."""
    url: str
    """The path of the list of all events of the period that came, or were corrected, since."""


class ExplanationView(View):
    """The arithmetic of a line, and the events that it counts."""

    steps: list[CalculationStepView]
    """From the aggregate to the rounded amount, in order."""
    events: ExplainedEventsView
    """What was counted."""
    changes: LineChangesView | None
    """What changed since the period was billed; null of every line but one of type `late_usage`."""


class DifferenceView(View):
    """Where an invoice and its recomputation first differ."""

    line_id: UUID | None
    """The line; null for one that only the recomputation has."""
    field: str
    """The field of the line that differs; `line` where only one of both has the line."""
    billed: str | None
    """What was billed, as text; null where only the recomputation says something."""
    recomputed: str | None
    """What comes out now, as text; null where nothing does."""


class VerificationView(View):
    """Whether an invoice comes out the same when it is computed again from its events."""

    result: Literal["equal", "different"]
    """Whether every line is equal."""
    checked_at: Moment
    """When it was computed again."""
    lines: int
    """How many lines were compared."""
    first_difference: DifferenceView | None
    """Where the first difference is; null where all is equal."""
    pending_late_usage: bool
    """Whether usage arrived after the invoice was final and waits to be settled."""


def view_verification(verification: Verification) -> VerificationView:
    """Equal, or where the first difference is."""
    found = verification.difference
    difference = None
    if found is not None:
        difference = DifferenceView(
            line_id=verification.line_id,
            field=found.field,
            billed=found.billed,
            recomputed=found.recomputed,
        )
    return VerificationView(
        result="equal" if difference is None else "different",
        checked_at=verification.checked_at,
        lines=verification.line_count,
        first_difference=difference,
        pending_late_usage=verification.is_late_usage_pending,
    )


def view_step(step: CalculationStep) -> CalculationStepView:
    """A step as the API shows it."""
    return CalculationStepView(name=step.name, inputs=dict(step.inputs), output=step.output)


def view_explanation(
    explanation: Explanation, *, url: str | None, changes_url: str
) -> ExplanationView:
    """The steps of a line, and where its events are, and those that changed since."""
    changes = explanation.changes
    return ExplanationView(
        steps=[view_step(one) for one in explanation.steps],
        events=ExplainedEventsView(
            count=explanation.event_count, digest=explanation.digest, url=url
        ),
        changes=None
        if changes is None
        else LineChangesView(
            data=[
                UsageChangeView(
                    **{name: getattr(one, name) for name in UsageChangeView.model_fields}
                )
                for one in changes.data
            ],
            count=changes.count,
            url=changes_url,
        ),
    )

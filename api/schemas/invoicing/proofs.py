"""Proofs of an invoice, on the wire (CONTRACT section 6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import Moment, View
from api.schemas.free_form import AnyObject
from services.invoicing.proofs import Explanation, Verification
from services.receipts.verdicts import Verdict


class ReceiptView(View):
    """What an invoice was computed from and what it was when it was issued, signed.

    Of a draft, and of what was issued before receipts were signed, what is signed is null. Nothing
    else may be added: the signature is of all of it but `digest` and `signature`.
    """

    id: UUID | None
    sequence: int | None
    previous_digest: str | None
    key_id: str | None
    digest: str | None
    signature: str | None
    invoice_id: UUID
    invoice_number: str | None
    kind: str
    currency: str
    currency_places: int
    subtotal: str
    tax: str
    total: str
    issued_at: Moment | None
    engine_version: str | None
    plan_version: int | None
    revision: int
    period_start: Moment | None
    period_end: Moment | None
    watermark: int | None
    inputs_digest: str | None
    lines_digest: str | None
    terms_digest: str | None
    hours_digest: str | None
    hours_watermark: int | None
    created_at: Moment


class CountedEventView(View):
    """An event as an invoice counted it."""

    id: UUID
    meter_id: UUID
    timestamp: Moment
    sequence: int
    quantity: str
    distinct: str | None
    idempotency_key: str | None


class InclusionView(View):
    """Whether an event is in an invoice. `hours` are what the receipt's `hours_digest` is of.

    An hour is `<meter> <seconds since 1970> <events> <sum>`; `events` are all of the event's hour.
    """

    included: bool
    event: CountedEventView | None
    events: list[CountedEventView]
    hours: list[str]
    receipt: ReceiptView


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
    """The fingerprint of the events; null for a line without a meter."""
    url: str | None
    """The path of the list of exactly these events; null for a line without a meter."""


class ExplanationView(View):
    """The arithmetic of a line, and the events that it counts."""

    steps: list[CalculationStepView]
    """From the aggregate to the rounded amount, in order."""
    events: ExplainedEventsView
    """What was counted."""


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


class ReceiptFileView(View):
    """The file that is inside the PDF: all that a stranger needs to compute an invoice again."""

    invoice_id: UUID
    invoice_number: str | None
    credit_note_number: None
    """Null: the file of a credit note is inside the credit note's PDF."""
    currency: str
    currency_places: int
    subtotal: str
    tax: str
    total: str
    receipt: ReceiptView | None
    """What was signed; null where the invoice has no receipt."""
    inputs: AnyObject | None
    """The frozen usage that the lines were computed from; null for an invoice written by hand."""
    terms: AnyObject | None
    """The plan version that the lines were computed by; null for an invoice written by hand."""
    lines: list[AnyObject]
    """Every line with its calculation, in the notation that `lines_digest` is of."""
    taxes: list[AnyObject]
    """What each tax rate added."""


class VerdictView(View):
    """Whether an issued invoice is what its receipt says.

    `recomputed` says whether its events were counted again for this answer, `void` whether the
    invoice was taken back since: then nobody owes it.
    """

    invoice_number: str | None
    total: str
    currency: str
    inputs_digest: str | None
    lines_digest: str | None
    signature: str | None
    verdict: Literal["equal", "different", "unsigned"]
    recomputed: bool
    void: bool
    checked_at: Moment


class JwkView(View):
    """The public half of a key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    kid: str
    x: str


class KeySetView(View):
    """A JWK set."""

    keys: list[JwkView]


class RotatedKeyView(View):
    """The key that signs from now on."""

    key_id: str
    public_key: str
    created_at: Moment


def view_verdict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as strangers see it."""
    return {name: getattr(verdict, name) for name in VerdictView.model_fields}


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


def view_explanation(explanation: Explanation, *, url: str | None) -> ExplanationView:
    """The steps of a line, and where its events are."""
    return ExplanationView(
        steps=[
            CalculationStepView(name=step.name, inputs=dict(step.inputs), output=step.output)
            for step in explanation.steps
        ],
        events=ExplainedEventsView(
            count=explanation.event_count, digest=explanation.digest, url=url
        ),
    )

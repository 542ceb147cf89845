"""Proofs of an invoice, on the wire (CONTRACT section 6)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from api.schemas.common import Moment, View
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


class KeysView(View):
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


def view_verification(verification: Verification) -> dict[str, Any]:
    """Equal, or where the first difference is."""
    found = verification.difference
    difference = None
    if found is not None:
        difference = {
            "line_id": verification.line_id,
            "field": found.field,
            "billed": found.billed,
            "recomputed": found.recomputed,
        }
    return {
        "result": "equal" if difference is None else "different",
        "checked_at": verification.checked_at,
        "lines": verification.line_count,
        "first_difference": difference,
        "pending_late_usage": verification.is_late_usage_pending,
    }


def view_explanation(explanation: Explanation, *, url: str | None) -> dict[str, Any]:
    """The steps of a line, and where its events are."""
    steps = [
        {"name": step.name, "inputs": dict(step.inputs), "output": step.output}
        for step in explanation.steps
    ]
    events = {"count": explanation.event_count, "digest": explanation.digest, "url": url}
    return {"steps": steps, "events": events}

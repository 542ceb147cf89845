"""Receipts, and what proves by them, on the wire (CONTRACT section 6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from api.schemas.common import Moment, View
from api.schemas.described import ShownAs
from api.schemas.free_form import AnyObject
from billing.invoicing.kinds import InvoiceKind
from services.documents.deductions import signed_names
from services.receipts.verdicts import Verdict


def _newer_may_be_absent(schema: dict[str, Any]) -> None:
    """Receipts never change, so that those of before lack what newer ones say."""
    schema["required"] = [one for one in schema["required"] if one not in signed_names()]


class ReceiptView(View):
    """What an invoice was computed from and what it was when it was issued, signed.

    Of a draft, and of what was issued before receipts were signed, what is signed is null. Nothing
    else may be added: the signature is of all of it but `digest` and `signature`.
    """

    model_config = ConfigDict(json_schema_extra=_newer_may_be_absent)

    id: UUID | None
    """The id of the receipt, by which strangers verify it; null where it is not signed."""
    sequence: int | None
    """Its place in the organization's chain of receipts, counted from 1; null where it is not
    signed."""
    previous_digest: str | None
    """The `digest` of the receipt before it; null in the first one, and where it is not signed."""
    key_id: str | None
    """The key that signed it; null where it is not signed."""
    digest: str | None
    """The SHA-256 of what is signed, in lower-case hex; null where it is not signed."""
    signature: str | None
    """The Ed25519 signature in base64url without padding; null where it is not signed."""
    invoice_id: UUID
    invoice_number: str | None
    kind: Annotated[str, ShownAs(InvoiceKind)]
    """What the invoice bills."""
    currency: str
    currency_places: int
    """How many decimal places the currency has."""
    subtotal: str
    """The sum of the lines before tax, a decimal string in major units of the currency."""
    tax: str
    """The tax, a decimal string in major units of the currency."""
    total: str
    """What the customer owes in all, a decimal string in major units of the currency."""
    issued_at: Moment | None
    """When the invoice became final; null for a draft."""
    engine_version: str | None
    """The version of the computation; null where the invoice was written by hand."""
    plan_version: int | None
    """The version of the plan; null where the invoice was written by hand."""
    revision: int
    """How often the bill was computed anew, counted from 1."""
    period_start: Moment | None
    """The begin of the period, itself included; null where the invoice was written by hand."""
    period_end: Moment | None
    """The end of the period, itself excluded; null where the invoice was written by hand."""
    watermark: int | None
    """The arrival number of the last event that could count; null where the invoice was written by
    hand."""
    inputs_digest: str | None
    """The fingerprint of the usage that was computed from; null where the invoice was written by
    hand."""
    lines_digest: str | None
    """The fingerprint of the lines; null for a draft that was written by hand."""
    terms_digest: str | None
    """The fingerprint of the plan version; null where the invoice was written by hand, or is not
    signed."""
    hours_digest: str | None
    """The fingerprint of the hours of the period; null where no meter is charged, or it is not
    signed."""
    hours_watermark: int | None
    """The arrival number up to which hours were counted; null where `hours_digest` is."""
    format: int | None
    """Which parts are signed: 2 with what is taken off; null where it is not signed. Receipts of
    the first format have neither it nor what follows of it."""
    coupons_total: str | None
    """What coupons take off, a decimal string in major units of the currency; null where it is not
    signed, absent in receipts of the first format."""
    credits_total: str | None
    """What prepaid credit pays, a decimal string in major units of the currency; null where it is
    not signed, absent in receipts of the first format."""
    coupons_digest: str | None
    """The fingerprint of `coupons` in `receipt.json`; null where there are none, or it is not
    signed; absent in receipts of the first format."""
    credits_digest: str | None
    """The fingerprint of `credits` in `receipt.json`; null where no credit pays, or it is not
    signed; absent in receipts of the first format."""
    credits_after_tax_digest: str | None
    """The fingerprint of `credits_after_tax` in `receipt.json`; null where no credit pays, or it is
    not signed; absent in receipts of the first format."""
    drawing_digest: str | None
    """The fingerprint of `drawing` in `receipt.json`; null where no credit pays, or it is not
    signed; absent in receipts of the first format."""
    true_ups_digest: str | None
    """The fingerprint of `true_ups` in `receipt.json`; null where commitments add nothing, or it is
    not signed; absent in receipts of before there were commitments."""
    created_at: Moment
    """When the receipt was made."""


class CountedEventView(View):
    """An event as an invoice counted it."""

    id: UUID
    """The event's id."""
    meter_id: UUID
    timestamp: Moment
    """When it happened."""
    sequence: int
    """Its arrival number."""
    quantity: str
    """The quantity that counted, a decimal string."""
    distinct: str | None
    """The value that UNIQUE_COUNT counts once; null for other meters."""
    idempotency_key: str | None
    """The key that it came with; null where it came without."""


class InclusionView(View):
    """Whether an event is in an invoice. `hours` are what the receipt's `hours_digest` is of.

    An hour is `<meter> <seconds since 1970> <events> <sum>`; `events` are all of the event's hour.
    """

    included: bool
    """Whether the event is in the invoice."""
    event: CountedEventView | None
    """The event as it counted; null where it is not in the invoice."""
    events: list[CountedEventView]
    """All counted events of the event's hour."""
    hours: list[str]
    """What `hours_digest` is of, an hour each: `<meter> <seconds since 1970> <events> <sum>`."""
    receipt: ReceiptView
    """The receipt of the invoice."""


class ReceiptFileView(View, like=(ReceiptView,)):
    """The file that is inside the PDF: all that a stranger needs to compute an invoice again.

    Where they take something off, `coupons`, `credits` and `credits_after_tax` say how much, of
    which line; `drawing` says what that was decided from.
    """

    model_config = ConfigDict(extra="allow")

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


class VerdictView(View, like=(ReceiptView,)):
    """Whether an issued invoice is what its receipt says."""

    invoice_number: str | None
    total: str
    currency: str
    inputs_digest: str | None
    lines_digest: str | None
    signature: str | None
    verdict: Literal["equal", "different", "unsigned"]
    """Whether the invoice is what the receipt says."""
    recomputed: bool
    """Whether its events were counted again for this answer."""
    void: bool
    """Whether the invoice was taken back since: then nobody owes it."""
    checked_at: Moment
    """When it was checked."""


class JwkView(View):
    """The public half of a key (RFC 8037)."""

    kty: Literal["OKP"]
    """The kind of key."""
    crv: Literal["Ed25519"]
    """The curve."""
    kid: str
    """The id of the key, which receipts name."""
    x: str
    """The public key in base64url."""


class KeySetView(View):
    """A JWK set."""

    keys: list[JwkView]
    """The keys, old ones included."""


class RotatedKeyView(View):
    """The key that signs from now on."""

    key_id: str
    """The id of the key, which receipts name."""
    public_key: str
    """The public key in base64url."""
    created_at: Moment


def view_verdict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as strangers see it."""
    return {name: getattr(verdict, name) for name in VerdictView.model_fields}

"""A document as its page shows it: what every other form of it says, and how it came about."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from billing.invoicing.explanations import explain_line
from billing.invoicing.invoices import InvoiceLine, InvoiceStatus
from billing.rating.lines import CalculationStep
from console.events import clock_time
from console.place import Place
from services.documents.layout import page_of
from services.documents.line_rows import Words
from services.documents.text import on_one_line
from services.documents.view import Document, Logo
from services.portal.invoices import ShownInvoice
from services.receipts.verdicts import Verdict

_PAYABLE: Final = {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}
_KINDS: Final = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture within a page."""

    type: str
    base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a line's arithmetic, in the words of a language."""

    name: str
    inputs: tuple[tuple[str, str], ...]
    output: str


def picture_of(logo: Logo | None) -> Picture | None:
    """The logo, which a page carries within it."""
    if logo is None:
        return None
    return Picture(type=_KINDS[logo.format], base64=base64.b64encode(logo.content).decode())


def values_of(shown: ShownInvoice, words: Words, place: Place) -> dict[str, object]:
    """What the template of an invoice shows."""
    document = shown.document
    addresses = {number: place.to("lines", str(number), "events") for number in shown.with_events}
    assert document.status is not None
    return {
        "page": unfolding(document, words, addresses),
        "logo": picture_of(document.logo),
        "status": "past_due" if shown.is_past_due else document.status.lower(),
        "pay_address": document.payment_link if document.status in _PAYABLE else None,
        "pdf_address": place.to("pdf"),
        "verify_address": place.to("verify") if shown.is_verifiable else None,
        "back": place.back,
    }


def verdict_of(
    told: Verdict, text: str, words: Words, *, timezone: str = "UTC", is_void: bool = False
) -> dict[str, str | None]:
    """What a page says of a verdict: nobody is to take what is void for something to pay."""
    is_void = is_void or told.void
    checked = words["checked_at"].format(instant=clock_time(told.checked_at, timezone))
    return {
        "kind": "void" if is_void and told.verdict == "equal" else told.verdict,
        "text": on_one_line(text),
        "void": words["void_notice"] if is_void else None,
        "checked": f"{checked} {timezone}",
    }


def unfolding(
    document: Document, words: Words, events: Mapping[int, str] = MappingProxyType({})
) -> dict[str, object]:
    """The document as its other forms have it, with lines that unfold to how they were computed.

    ``events`` are the addresses of what lines count, by their places.
    """
    page = page_of(document, shown=on_one_line)
    lines = page["lines"]
    assert isinstance(lines, list)
    page["lines"] = [
        line | {"steps": steps_of(document, number, words), "events_address": events.get(number)}
        for number, line in enumerate(lines)
    ]
    return page


def steps_of(document: Document, number: int, words: Words) -> tuple[Step, ...]:
    """How a line was computed; nothing where its price is all that there is to say."""
    line = document.lines[number]
    billed = InvoiceLine(line=line.priced, line_total=line.total)
    return in_words(explain_line(billed), words) if len(line.priced.steps) > 1 else ()


def in_words(steps: Sequence[CalculationStep], words: Words) -> tuple[Step, ...]:
    """The steps with their names in the words of a language; inputs keep those of the API."""
    return tuple(
        Step(
            name=words.get(f"step_{one.name}", one.name),
            inputs=_inputs(one.inputs),
            output=one.output,
        )
        for one in steps
    )


def _inputs(inputs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " "), on_one_line(value)) for name, value in inputs.items())

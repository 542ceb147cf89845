"""An e-invoice in each format, of documents that have one: issued, in at most two decimals.

The extra ``einvoice`` brings what checks tax ids; without it no document has one.
"""

from __future__ import annotations

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from services.documents.einvoice.checks import is_expressible
from services.documents.einvoice.cii import to_cii
from services.documents.einvoice.tax_ids import IS_INSTALLED
from services.documents.einvoice.ubl import Specification, to_ubl
from services.documents.einvoice.xrechnung import list_missing
from services.documents.view import Document

_NOT_IN_FORCE = frozenset({InvoiceStatus.DRAFT, InvoiceStatus.VOID})


def factur_x_of(document: Document) -> bytes | None:
    """The ``factur-x.xml`` that goes into the document's PDF, if it has an e-invoice."""
    return None if _why_not(document) else to_cii(document)


def ubl_of(document: Document) -> bytes:
    """The document as UBL. Raises Conflict where it has no e-invoice, saying why."""
    reason = _why_not(document)
    if reason is not None:
        raise reason
    return to_ubl(document)


def xrechnung_of(document: Document) -> bytes:
    """The document as XRechnung. Raises Conflict where it is none, naming the fields it lacks."""
    reason = _why_not(document)
    if reason is not None:
        raise reason
    missing = list_missing(document)
    if missing:
        named = ", ".join(f"{one.field} ({one.rule})" for one in missing)
        raise Conflict(
            f"XRechnung asks for more than there is: {named}.",
            code="xrechnung_incomplete",
            field=missing[0].field,
        )
    return to_ubl(document, Specification.XRECHNUNG)


def _why_not(document: Document) -> Conflict | None:
    if not IS_INSTALLED:
        return Conflict(
            "This installation makes no e-invoices: install Fluxrate with the extra `einvoice`.",
            code="einvoice_not_installed",
        )
    if document.number is None or document.status in _NOT_IN_FORCE:
        return Conflict(
            "Only an issued document that is not void has an e-invoice.",
            code="einvoice_not_issued",
        )
    if not is_expressible(document.currency):
        return Conflict(
            f"E-invoices have two decimals; amounts in {document.currency} have more.",
            code="einvoice_currency",
        )
    return None

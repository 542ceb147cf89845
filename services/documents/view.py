"""A document as one value: what stands on an invoice or a credit note, whatever it is shown as.

The plain text, the pages and every other form are made of this and of nothing else. Amounts are in
major units of ``currency``, rounded already; instants are aware.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.taxes import TaxAmount
from billing.money import ZERO, exactly
from billing.periods import Period
from billing.rating.lines import PricedLine


class DocumentKind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who bills, or who is billed. ``country`` is ISO 3166-1 alpha-2."""

    name: str
    email: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    tax_id: str | None = None
    registration_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom the buyer asks about the document."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture of the seller's: ``png`` or ``svg``, and the bytes of the file."""

    format: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """One line: the priced line with its arithmetic, and what of it is billed or given back.

    One that sells prepaid credit (``sells_credit``) is called so by the product.
    """

    priced: PricedLine
    total: Decimal
    sells_credit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepaid:
    """What prepaid credit pays before tax, and how much of that of lines that are not taxed."""

    amount: Decimal
    untaxed: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCoupon:
    """What a coupon takes off in all, and how much of that off lines that are not taxed."""

    code: str
    amount: Decimal
    untaxed: Decimal

    @classmethod
    @exactly
    def of(cls, code: str, shares: Iterable[tuple[Decimal, bool]]) -> DocumentCoupon:
        """The coupon, given what it takes off each line and whether that is taxed."""
        parts = list(shares)
        return cls(
            code=code,
            amount=sum((amount for amount, _ in parts), ZERO),
            untaxed=sum((amount for amount, is_taxed in parts if not is_taxed), ZERO),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """A credit note of the invoice."""

    number: str
    issued_at: datetime
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Which invoice a credit note gives back of, and why: in our words, or as people wrote it."""

    invoice_number: str
    reason: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An invoice or a credit note.

    ``total`` = ``subtotal`` - ``coupons`` - ``prepaid`` + ``tax``, of ``taxes``. Of what is due of
    an invoice prepaid credit pays ``prepaid_after_tax``; of a note that much is not money.

    ``number`` is None on a draft that has none yet. ``receipt`` is the canonical JSON of what the
    amounts were computed from. ``correction`` is there on credit notes alone, ``status`` and
    ``due_at`` on invoices alone. At ``verify_link`` anybody checks the receipt, at ``page_link``
    its buyer reads the invoice.
    """

    kind: DocumentKind
    number: str | None
    language: DocumentLanguage
    currency: str
    timezone: str
    issued_at: datetime
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    subtotal: Decimal
    taxes: tuple[TaxAmount, ...]
    tax: Decimal
    total: Decimal
    amount_paid: Decimal
    amount_due: Decimal
    receipt: bytes
    status: InvoiceStatus | None = None
    due_at: datetime | None = None
    period: Period | None = None
    logo: Logo | None = None
    contact: Contact = field(default_factory=Contact)
    buyer_reference: str | None = None
    correction: Correction | None = None
    coupons: tuple[DocumentCoupon, ...] = ()
    prepaid: Prepaid | None = None
    prepaid_after_tax: Decimal = ZERO
    given_back: tuple[GivenBack, ...] = ()
    bank_details: tuple[tuple[str, str], ...] = ()
    payment_link: str | None = None
    page_link: str | None = None
    verify_link: str | None = None

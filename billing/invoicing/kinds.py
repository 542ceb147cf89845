"""Which documents there are, and what an organization chooses about them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class InvoiceKind(StrEnum):
    """What an invoice bills: a period, what somebody wrote, what came late, or credit it sells.

    Or what a period that still runs has come to (``threshold``).
    """

    PERIOD = "period"
    THRESHOLD = "threshold"
    MANUAL = "manual"
    LATE_USAGE = "late_usage"
    PURCHASE = "purchase"


class CreditNoteKind(StrEnum):
    """Why a credit note gives back: people, less usage than was billed, or credit nobody took.

    Or credit that was bought and not spent.
    """

    MANUAL = "manual"
    LATE_USAGE = "late_usage"
    CARRIED_CREDIT = "carried_credit"
    PURCHASE = "purchase"


class LateUsage(StrEnum):
    """What becomes of usage that arrives after the invoice of its period is final."""

    NEXT_INVOICE = "next_invoice"
    CREDIT_NOTE_OR_INVOICE = "credit_note_or_invoice"
    IGNORE = "ignore"


class NumberAt(StrEnum):
    """When an invoice gets its number."""

    DRAFT = "draft"
    FINALIZATION = "finalization"


class DocumentLanguage(StrEnum):
    """What a document is written in, by its ISO 639-1 code."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es"
    JAPANESE = "ja"


EN_16931: Final = "BR-"
"""With that begin the rules of EN 16931, and no others."""

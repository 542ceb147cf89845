"""What may be said of an event later."""

from __future__ import annotations

from enum import StrEnum


class CorrectionKind(StrEnum):
    """An event counts no more, or with another quantity."""

    VOID = "void"
    AMEND = "amend"

"""The operator's choice of who may make an organization (CONTRACT 101)."""

from __future__ import annotations

from enum import StrEnum


class SignUpPolicy(StrEnum):
    """Everybody, the first only, or nobody."""

    OPEN = "open"
    FIRST = "first"
    CLOSED = "closed"

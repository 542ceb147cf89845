"""What is wrong with the operator's settings, in sentences that name the variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WHOLE_NUMBER = ("int_parsing", "int_from_float", "greater_than_equal", "less_than_equal")


class InvalidSettings(Exception):
    """Settings that no process can run with; each sentence names one and what it may be.

    What was given is not repeated: it may be a secret.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n".join(sentences))


def sentence(variable: str, error: Mapping[str, Any], bounds: Iterable[Any]) -> str:
    """What one setting may be, from what its reader said and the bounds of its field."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind in WHOLE_NUMBER:
        return f"{variable} must be a whole number{_range(bounds)}."
    if kind == "enum":
        return f"{variable} must be {context['expected'].replace(chr(39), '')}."
    if kind.startswith("bool"):
        return f"{variable} must be true or false."
    if isinstance(context.get("error"), ValueError):
        return f"{variable} must be {context['error']}."
    return f"{variable}: {error['msg']}."


def _range(bounds: Iterable[Any]) -> str:
    known = list(bounds)
    lowest = next((one.ge for one in known if hasattr(one, "ge")), None)
    highest = next((one.le for one in known if hasattr(one, "le")), None)
    if lowest is not None and highest is not None:
        return f" from {lowest} to {highest}"
    return "" if lowest is None else f" of at least {lowest}"

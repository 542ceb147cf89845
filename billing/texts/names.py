"""Names that people give to things, as they are kept and as paths are read: in the same words."""

from __future__ import annotations

from typing import Final

from billing.errors import InvalidInput

_STEPS: Final = (".", "..")
"""What a path means by these, encoded or not, is another path: no client sends them as they are."""


def trimmed(text: str) -> str:
    """The name without the space around it: what is kept is what is looked for."""
    return text.strip()


def is_reachable(name: str) -> bool:
    """Whether a path can hold the name, so that what is called so can be reached by it."""
    return name not in _STEPS


def unreachable(field: str) -> InvalidInput:
    """The refusal of a name that no path can hold. Source: CONTRACT 96."""
    return InvalidInput(
        f"{field} must not be '.' or '..': no path can hold it.",
        code="unreachable_name",
        field=field,
    )

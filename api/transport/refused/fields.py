"""The error of each field of a request that is refused, and the sentence about all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from api.transport.refused.words import NOT_A_FIELD, say
from billing.errors import BillingError

LONGEST_PLACE: Final = 100
"""Callers name unknown fields; what they made up is not repeated at any length."""
NOTED_FIELDS: Final = 5
TOLD_ERRORS: Final = 10
"""How many errors ``detail`` tells of; ``errors`` has more."""
MADE_UP: Final = ("extra_forbidden", "unknown_field", "unknown_parameter", "repeated_parameter")
"""Where the name of the field is the caller's, and may be anything."""
PREDICATES: Final = ("must ", "is ")
"""How words begin that go on where the name of the field ends."""
FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def field_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of one field, from what the framework found wrong with it.

    An error that carries no ``input`` was made by us, and keeps its words.
    """
    places = [str(place)[:LONGEST_PLACE] for place in error["loc"]]
    where = places[0] if places else "body"
    field = ".".join(places[1:] if where in ("body", "query", "path", "header") else places)
    context = error.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, BillingError):
        return {"in": where, "field": field, "code": cause.code, "detail": cause.detail}
    told = say(error["type"], context) if "input" in error else None
    return {"in": where, "field": field, "code": error["type"], "detail": told or error["msg"]}


def write_sentence(errors: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with each field, for people: programs read ``errors``.

    Worked example: "email is required; emial is not a field (did you mean email?)."
    """
    missing = [one["field"] for one in errors if one["code"] == "missing"]
    told = list(dict.fromkeys(_write_error(one, missing) for one in errors))
    more = [f"and {len(told) - TOLD_ERRORS} more"] if len(told) > TOLD_ERRORS else []
    return "; ".join([*told[:TOLD_ERRORS], *more]) + "."


def _write_error(error: Mapping[str, Any], missing: Sequence[str]) -> str:
    field, detail = error["field"], str(error["detail"]).rstrip(".")
    if detail.startswith(PREDICATES):
        near = get_close_matches(field, missing, n=1) if detail == NOT_A_FIELD else []
        meant = f" (did you mean {near[0]}?)" if near else ""
        subject = field or f"the {error['in']}"
        return f"{subject} {detail}{meant}"
    return detail if not field or detail.startswith(field) else f"{field}: {detail}"


def refused_fields(errors: Sequence[Mapping[str, Any]]) -> str | None:
    """The names of the fields that were refused, with commas between; None where none was.

    Of a field within another one the outermost name, and no name that the caller made up: those
    are ours. Worked example: ``pricing.tiers.0.up_to`` is ``pricing``.
    """
    named = (str(one.get("field")).split(".") for one in errors if one.get("code") not in MADE_UP)
    outermost = (next((part for part in parts if not part.isdigit()), "") for parts in named)
    kept = dict.fromkeys(name for name in outermost if FIELD.fullmatch(name))
    return ",".join(list(kept)[:NOTED_FIELDS]) or None

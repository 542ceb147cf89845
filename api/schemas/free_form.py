"""Free-form objects on the wire: whatever a caller has to say, within bounds (CONTRACT 66)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from api.schemas.common import read_number
from api.schemas.described import NOTE
from api.transport.exact_json import depth_of, dump_json

FREE_FORM_KEYS = 50
FREE_FORM_DEPTH = 8
FREE_FORM_BYTES = 32 * 1024


def _read_free_form(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PydanticKnownError("dict_type")
    if len(value) > FREE_FORM_KEYS:
        raise PydanticCustomError(
            "too_many_keys", "Send at most {most} keys.", {"most": FREE_FORM_KEYS}
        )
    if depth_of(value) > FREE_FORM_DEPTH:
        raise PydanticCustomError(
            "too_deep", "Nest at most {most} levels.", {"most": FREE_FORM_DEPTH}
        )
    value = _read_numbers(value)
    if len(dump_json(value)) > FREE_FORM_BYTES:
        raise PydanticCustomError(
            "too_large", "Send at most {most} bytes.", {"most": FREE_FORM_BYTES}
        )
    return value


def _read_numbers(value: Any) -> Any:
    match value:
        case dict():
            return {name: _read_numbers(inner) for name, inner in value.items()}
        case list():
            return [_read_numbers(inner) for inner in value]
        case None | bool() | str():
            return value
        case int() if abs(value) < 2**63:
            return value
    return read_number(value)


FreeForm = Annotated[
    dict[str, Any],
    BeforeValidator(_read_free_form),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": True,
            "maxProperties": FREE_FORM_KEYS,
            NOTE: "Free-form: at most 50 keys, 8 levels and 32 KiB.",
        }
    ),
]
"""An object of the caller's own, within the limits of CONTRACT 66."""

AnyObject = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "additionalProperties": True, NOTE: "Free-form."}),
]
"""A free-form object on its way out."""

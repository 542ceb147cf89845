"""What a field wants, said in one way for every code of the library that reads requests.

The library says "Input should be a valid integer, unable to parse string as an integer"; we say
"must be a whole number". Codes stay the library's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from api.transport.refused.forms import WORDS_OF_FORMS

REQUIRED: Final = "is required"
NOT_A_FIELD: Final = "is not a field"

_OBJECT: Final = "must be an object"
_WHOLE: Final = "must be a whole number"
_DECIMAL: Final = 'must be a number, or the text of one such as "0.001"'
_DATE: Final = "must be a date such as 2026-01-31"
_INSTANT: Final = "must be an ISO 8601 date and time such as 2026-01-31T12:00:00Z"
_ADDRESS: Final = "must be an address such as https://example.com/hook"
_ID: Final = "must be an id as an answer gave it, such as 0196f2a0-11aa-7b0c-8f3e-2d4c6b8a9e01"

WORDS: Final[Mapping[str, str]] = {
    "missing": REQUIRED,
    "extra_forbidden": NOT_A_FIELD,
    "none_required": "must be null, or left out",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "must be a whole number of at most 4,300 digits",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "decimal_type": _DECIMAL,
    "decimal_parsing": _DECIMAL,
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} digits behind the point",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "greater_than": "must be more than {gt:,}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than": "must be less than {lt:,}",
    "less_than_equal": "must be at most {le:,}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_type": "must be a text",
    "string_unicode": "must be a text of valid Unicode",
    "string_too_short": "must have at least {min_length:,} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "list_type": "must be a list",
    "too_short": "must have at least {min_length:,} items",
    "too_long": "must have at most {max_length:,} items",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": f"{_DATE}, without a time",
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": "must have an offset, such as Z or +01:00",
    "timezone_naive": "must have no offset",
    "union_tag_invalid": "must have one of {expected_tags} as {discriminator}",
    "union_tag_not_found": "must say of which kind it is, as {discriminator}",
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_scheme": "must be an address that begins with {expected_schemes}",
    "url_too_long": "must have at most {max_length:,} characters",
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
    "json_invalid": "must be JSON",
    "value_error": "{error}",
}
"""By the library's codes, with what it says beside them in braces."""

SOMETHING: Final = "must be more than space"

LISTS: Final = ("expected", "expected_tags", "expected_schemes", "discriminator")
"""What the library puts in quotes: "'day', 'week' or 'month'"."""

_ONE: Final = re.compile(r"\b1 (character|item|digit)s\b")


def say(code: str, context: Mapping[str, Any]) -> str | None:
    """What a field wants that the library refused by ``code``; None for a code of our own.

    Worked example: ``greater_than_equal`` with ``{"ge": 1}`` is "must be at least 1".
    """
    if code == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return WORDS_OF_FORMS.get(pattern, f"must match {pattern}")
    if code not in WORDS:
        return None
    if code == "string_too_short" and context["min_length"] == 1:
        return SOMETHING
    told = {name: _unquoted(one) if name in LISTS else one for name, one in context.items()}
    return _ONE.sub(r"1 \1", WORDS[code].format_map(told))


def _unquoted(words: object) -> str:
    return str(words).replace("'", "")

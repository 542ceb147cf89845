"""A key stands once in an object: else nobody knows which value was meant (CONTRACT 97)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from billing.errors import InvalidInput
from services.ingestion.event_input import EventReport

MOST_SHOWN: Final = 100
"""How much of a made-up key an error repeats."""

MOST_KEYS: Final = 1000
"""Far more than any object here may have."""

_BLANKS: Final = b" \t\r\n"
_KEY_END: Final = b'":'
_FREE_FORM: Final = ("metadata", "meta_data", "properties")
_FIELDS: Final = (*set(EventReport.__struct_fields__).difference(_FREE_FORM), *_FREE_FORM)
_values_of: Final = attrgetter(*_FIELDS)


def object_of_unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values.

    Raises InvalidInput ``duplicate_key``, and ``too_many_keys`` before anybody names each of them.
    """
    if len(pairs) > MOST_KEYS:
        raise InvalidInput(f"An object has at most {MOST_KEYS} keys.", code="too_many_keys")
    found = dict(pairs)
    if len(found) < len(pairs):
        [(key, _), *_] = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidInput(
            f"{key[:MOST_SHOWN]} stands twice in one object.",
            code="duplicate_key",
            field=key[:MOST_SHOWN],
        )
    return found


def require_unique_keys(body: bytes, reports: Sequence[EventReport]) -> None:
    """Return if no object of the body has a key twice. Raises InvalidInput ``duplicate_key``.

    ``reports`` were decoded from the body by a decoder that keeps the last of equal keys. Keys
    that were written are counted, keys that were read too; only if the counts differ, which a null
    or a colon after a quote within a text can cause as well, is the body parsed again.
    """
    if body.translate(None, _BLANKS).count(_KEY_END) != sum(map(_count_keys, reports)):
        # Whatever the decoder took is JSON; its numbers are of no interest here.
        json.loads(body, object_pairs_hook=object_of_unique_keys, parse_int=str, parse_float=str)


def _count_keys(report: EventReport) -> int:
    values = _values_of(report)
    count = len(_FIELDS) - values.count(None)
    for free_form in values[-3:]:
        if free_form is not None:
            count += _count_nested(free_form)
    return count


def _count_nested(value: dict[str, Any] | list[Any]) -> int:
    inner: Any = value
    count = 0
    if type(value) is dict:
        count, inner = len(value), value.values()
    for one in inner:
        if type(one) is dict or type(one) is list:
            count += _count_nested(one)
    return count

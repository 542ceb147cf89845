"""What a provider's JSON says, read by name and by kind; nothing of it is believed to be there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

LONGEST_TEXT: Final = 255
LONGEST_WORDS: Final = 500
LONGEST_URL: Final = 2000

_LAST_SECOND: Final = 253402300799  # of the year 9999

_PLAIN: Final = re.compile(r"[ -~]+", re.ASCII)
_NO_WORDS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Malformed(Exception):
    """What came is not what the provider documents."""


class Fields:
    """An object of JSON. What is asked for and missing, or of another kind, is Malformed."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A word of the provider's: an id, a status, a currency. Printable ASCII."""
        found = self.find_text(name)
        if found is None:
            raise Malformed(f"{name} is missing.")
        return found

    def find_text(self, name: str) -> str | None:
        """The same; None if there is none."""
        match self._values.get(name):
            case None | "":
                return None
            case str(value) if len(value) <= LONGEST_TEXT and _PLAIN.fullmatch(value):
                return value
            case _:
                raise Malformed(f"{name} is not a text of at most {LONGEST_TEXT} letters.")

    def url(self, name: str) -> str:
        """An address of a page."""
        value = self._values.get(name)
        if (
            not isinstance(value, str)
            or len(value) > LONGEST_URL
            or not value.startswith(("https://", "http://"))
            or not _PLAIN.fullmatch(value)
        ):
            raise Malformed(f"{name} is not an address.")
        return value

    def find_words(self, name: str) -> str | None:
        """A sentence for people, on one line and without what no database takes."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return None
        return " ".join(_NO_WORDS.sub(" ", value).split())[:LONGEST_WORDS] or None

    def integer(self, name: str) -> int:
        """A whole number."""
        value = self._values.get(name)
        if type(value) is not int:
            raise Malformed(f"{name} is not a whole number.")
        return value

    def find_integer(self, name: str) -> int | None:
        """The same; None if there is none."""
        return None if self._values.get(name) is None else self.integer(name)

    def is_true(self, name: str) -> bool:
        """Whether it says so in so many words."""
        return self._values.get(name) is True

    def moment(self, name: str) -> datetime:
        """An instant, which all providers write as seconds since 1970."""
        seconds = self.integer(name)
        if not 0 <= seconds <= _LAST_SECOND:
            raise Malformed(f"{name} is not an instant.")
        return datetime.fromtimestamp(seconds, UTC)

    def find_moment(self, name: str) -> datetime | None:
        """The same; None if there is none, for which some write 0."""
        return self.moment(name) if self._values.get(name) else None

    def find_id(self, name: str) -> UUID | None:
        """One of our own ids, which came back; None if it is anything else."""
        value = self._values.get(name)
        try:
            return UUID(value) if isinstance(value, str) and len(value) == 36 else None
        except ValueError:
            return None

    def inner(self, name: str) -> Fields:
        """An object within; empty if there is none, or only its id, or a list in its place."""
        value = self._values.get(name)
        return Fields(value if isinstance(value, dict) else {})

    def each(self, name: str) -> Sequence[Fields]:
        """The objects of a list; none if there is no list."""
        values = self._values.get(name)
        if not isinstance(values, list):
            return ()
        return tuple(Fields(value) for value in values if isinstance(value, dict))

    def reference(self, name: str) -> str | None:
        """The id of what may stand there as an object, or as its id only."""
        if isinstance(self._values.get(name), dict):
            return self.inner(name).text("id")
        return self.find_text(name)

    def __bool__(self) -> bool:
        return bool(self._values)


def read_fields(body: bytes) -> Fields:
    """The object that a body is. Raises Malformed."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_without_repeats,
        )
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Malformed("It is not JSON.") from error
    if not isinstance(value, dict):
        raise Malformed("It is not an object.")
    return Fields(value)


def _no_constant(_name: str) -> object:
    raise ValueError("JSON has no such number.")


def _without_repeats(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    # Two readers of the same bytes could otherwise read two different amounts.
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("A name stands twice.")
    return values

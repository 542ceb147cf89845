"""What every answer has beside its fields: its tag, and the way back into plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

from fluxrate_client.errors import NoTag


class Answer:
    """What the API answered, or a part of it."""

    __slots__ = ("_etag",)
    _etag: str

    @property
    def etag(self) -> str:
        """The tag of what was read, for ``if_match=`` of an edit.

        What is read or edited by itself has one, ``client.plans.get("payg")``; what stands in a
        list or within something else has none.

        Raises:
            NoTag: it has none.
        """
        try:
            return self._etag
        except AttributeError:
            kind = type(self).__name__
            raise NoTag(f"This {kind} has no tag: get it by itself, which tells its tag.") from None

    def to_dict(self) -> dict[str, Any]:
        """The answer as the API writes it: dictionaries, lists, texts, and decimals."""
        return cast("dict[str, Any]", _plain(self))


def tagged(answer: Any, etag: str | None) -> Any:
    """The answer, which knows the tag that it came with."""
    if etag is not None and isinstance(answer, Answer):
        object.__setattr__(answer, "_etag", etag)  # frozen for everybody else
    return answer


def wire_name(one: Field[Any]) -> str:
    """What the API calls a field."""
    name: str = one.metadata.get("name", one.name)
    return name


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case str():
            return value
        case Mapping():
            return {name: _plain(inner) for name, inner in value.items()}
        case Sequence():
            return [_plain(inner) for inner in value]
    if is_dataclass(value):
        return {wire_name(one): _plain(getattr(value, one.name)) for one in fields(value)}
    return value

"""Where the ids in samples come from: which operation answered each, and as what.

Samples send what one run of the product sent. Whoever copies one puts in ids of their own, and is
told here where they are answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from api.document.examples import Told, read_examples
from api.document.operations import Document, operations

OF_THE_RUN: Final = re.compile(r"019b76da-a800-7000-8000-[0-9a-f]{12}")
CREATED: Final = 201
MENTIONED: Final = 2
SENT: Final = ("path", "query", "request")

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """An operation that answered an id, the most telling one first.

    What made it goes before what lists it, and that before whatever else mentions it.
    """

    rank: int
    depth: int
    operation: str
    place: str


def tell_origins(document: Document, operation: Document) -> Iterator[str]:
    """A sentence about the ids that the operation's samples send, if they do."""
    links = _links(document)
    found = {name: _by_name().get(name) for name, _ in _sent(operation["operationId"])}
    lines = {
        f"`{name}` is the `{origin.place}` of {links[origin.operation]}"
        for name, origin in found.items()
        if origin is not None and origin.operation != operation["operationId"]
    }
    if lines:
        yield f"The ids are of one run. Put in yours: {'; '.join(sorted(lines))}.\n"


def _sent(operation_id: str) -> list[tuple[str, str]]:
    """The ids that an operation's samples send, with the names of their fields."""
    told = read_examples().get(operation_id, {})
    return [
        ([name for name in place if name != "[]"][-1], value)
        for place, value in _ids({name: told.get(name) for name in SENT})
    ]


@cache
def _by_name() -> dict[str, Origin]:
    """What answers the ids of a field best, whichever of them a sample sends."""
    found: dict[str, Origin] = {}
    for operation_id in read_examples():
        for name, value in _sent(operation_id):
            origin = _origins().get(value)
            if origin is not None and origin.rank < MENTIONED:
                found[name] = min(found.get(name, origin), origin)
    return found


@cache
def _origins() -> dict[str, Origin]:
    """Where each id of the run is answered best."""
    found: dict[str, Origin] = {}
    for name, told in sorted(read_examples().items()):
        for place, value in _ids(told.get("answer")):
            origin = Origin(_rank(told, place), len(place), name, _written(place))
            found[value] = min(found.get(value, origin), origin)
    return found


def _rank(told: Told, place: Place) -> int:
    if place == ("id",) and told["status"] == CREATED:
        return 0
    return 1 if place == ("data", "[]", "id") else MENTIONED


def _ids(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every id of the run in a value of JSON, with the names that lead to it."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from _ids(inner, (*place, name))
        case list():
            for inner in value:
                yield from _ids(inner, (*place, "[]"))
        case str() if OF_THE_RUN.fullmatch(value):
            yield place, value


def _written(place: Place) -> str:
    return ".".join(place).replace(".[]", "[]")


def _links(document: Document) -> dict[str, str]:
    """A link to each operation, from the pages of operations."""
    return {
        one[
            "operationId"
        ]: f"[{one['summary']}]({page_of(one['tags'][0])}#{anchor_of(one['summary'])})"
        for _, _, one in operations(document)
    }


def page_of(topic: str) -> str:
    """The file of the page that tells the operations of a topic, among those of others."""
    return f"{topic.lower().replace(' ', '-')}.md"


def anchor_of(heading: str) -> str:
    """The anchor that the site gives a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())

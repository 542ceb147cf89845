"""What is changed of a generated request, so that it reaches further than chance would take it.

Ids become ids that exist; half of the bodies begin as the document's example; some parts become
what programs stumble over.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any, Final

from tests.api.fuzz.ids import IdPool
from tests.api.transport.bad_requests import Raw

DEEP: Final = "[" * 200 + "]" * 200

STUMBLES: Final[tuple[Any, ...]] = (
    "",
    " ",
    "a\x00b",
    "\ud800",
    "\u202ex",
    "x" * 5_000,
    "١٢",
    "é" * 300,
    "'; --",
    "{{ 7 * 7 }}",
    "../../etc",
    0,
    -1,
    1.5,
    10**30,
    2**31,
    2**63,
    "-0",
    "1e30",
    "1e-30",
    "0.0000000000000000000000000000001",
    "9" * 400,
    Raw("1e400"),
    Raw("-0.0"),
    Raw("1" * 5_000),
    Raw("NaN"),
    Raw(DEEP),
    "NaN",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
    "1969-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2024-02-29T23:59:60Z",
    "2026-03-29T02:30:00",
    "2026-03-01",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    None,
    True,
    [],
    {},
    [None],
    {"": ""},
)
"""Values over which programs stumble, whatever a field is for."""

FRESH: Final = {"lookup_key", "lookup_id", "external_id", "meter_name", "reference"}
"""Names that are given once: an example would meet itself."""


class Variation:
    """Changes requests by chance, with the ids of an organization and a few of another one."""

    def __init__(self, own: IdPool, foreign: IdPool, chance: random.Random) -> None:
        self._own = own
        self._foreign = foreign
        self._chance = chance

    def path_of(self, generated: dict[str, Any]) -> dict[str, Any]:
        """Most parameters of a path lead somewhere."""
        return {
            name: self._id(name) if self._happens(0.9) and name in self._own else value
            for name, value in generated.items()
        }

    def query_of(self, generated: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
        """Parameters of the document's example, or generated ones; some are stumbled over."""
        query = dict(example) if example and self._happens(0.4) else dict(generated)
        for name in list(query):
            if name in self._own and self._happens(0.7):
                query[name] = self._id(name)
            elif self._happens(0.1):
                query[name] = self._chance.choice([one for one in STUMBLES if _is_text(one)])
        return query

    def body_of(self, generated: Any, example: Any) -> Any:
        """The document's example with parts of the generated body, or all of that."""
        if example is None or self._happens(0.4):
            body = copy.deepcopy(generated)
        else:
            body = self._mixed(copy.deepcopy(example), generated)
        body = self._with_ids(body)
        while self._happens(0.25):
            body = self._stumbling(body)
        return body

    def _mixed(self, example: Any, generated: Any) -> Any:
        """An example, some of whose fields have generated values."""
        if isinstance(example, list):
            other = generated[0] if isinstance(generated, list) and generated else {}
            return [self._mixed(one, other) for one in example]
        if not (isinstance(example, dict) and isinstance(generated, dict)):
            return example
        share = self._chance.choice((0.0, 0.1, 0.3))
        taken = {name: value for name, value in generated.items() if self._happens(share)}
        kept = {name: value for name, value in example.items() if self._happens(0.98)}
        return {name: self._fresh(name, value) for name, value in kept.items()} | taken

    def _fresh(self, name: str, value: Any) -> Any:
        if name in FRESH and isinstance(value, str) and self._happens(0.8):
            return f"{self._chance.randrange(10**9)}{value}"
        return value

    def _with_ids(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._with_ids(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._id(name)
            if isinstance(inner, str) and name in self._own and self._happens(0.85)
            else self._with_ids(inner)
            for name, inner in value.items()
        }

    def _stumbling(self, body: Any) -> Any:
        """The body with one of its places changed."""
        # A copy: what is changed later is this body's, and no value comes to contain itself.
        value = copy.deepcopy(self._chance.choice(STUMBLES))
        places = list(_places(body))
        if not places:
            return value
        self._chance.choice(places)(value)
        return body

    def _id(self, name: str) -> str:
        is_foreign = name in self._foreign and self._happens(0.03)
        return (self._foreign if is_foreign else self._own).choose(name, self._chance)

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share


def _is_text(value: Any) -> bool:
    """Whether an address can say it: what has no bytes cannot be sent."""
    return (isinstance(value, str) and value.isprintable()) or value == "a\x00b"


def _places(value: Any) -> list[Callable[[Any], None]]:
    """What sets each place within a body."""
    match value:
        case dict():
            names = list(value)
        case list():
            names = list(range(len(value)))
        case _:
            return []
    found: list[Callable[[Any], None]] = []
    for name in names:
        found.append(_setter(value, name))
        found.extend(_places(value[name]))
    return found


def _setter(value: Any, name: Any) -> Callable[[Any], None]:
    def put(one: Any) -> None:
        value[name] = one

    return put

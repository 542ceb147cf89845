"""Requests out of the document, as schemathesis generates them: good ones and bad ones by turns.

A seed makes the same ones again, whatever else the run does meanwhile.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Err, Result
from schemathesis.schemas import APIOperation

from api.document.examples import Told, read_examples
from api.document.operations import operations

GeneratedCase = Case[Any]
"""A request as it was generated."""

BATCH: Final = 10
"""How many are drawn at once; the first ones of a batch are the simplest."""
VARIANTS: Final = 4
"""How often a generated request is sent, each time with other ids and other parts changed."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document, with what generates requests to it."""

    name: str
    described: dict[str, Any]
    generator: APIOperation[Any, Any, Any, Any]
    example: Told

    def requests(self, seed: int) -> Iterator[GeneratedCase]:
        """Requests without end."""
        for number in count():
            drawn = [
                case
                for mode in GenerationMode
                for case in self._draw(mode, zlib.crc32(f"{seed} {number} {self.name}".encode()))
            ]
            # Good and bad ones by turns, since a short run ends in the middle.
            drawn = drawn[::2] + drawn[1::2]
            for _ in range(VARIANTS):
                yield from drawn

    def _draw(self, mode: GenerationMode, seed: int) -> list[GeneratedCase]:
        drawn: list[GeneratedCase] = []

        @seeded(seed)
        @settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(self.generator.as_strategy(mode))
        def take(case: GeneratedCase) -> None:
            drawn.append(case)

        try:
            take()
        except Unsatisfiable:
            return []  # nothing can be wrong about a request without parameters
        return drawn


def read_operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation of the document. Raises if schemathesis cannot read one of them."""
    described = json.loads(json.dumps(document, default=str))
    open_to_all = json.loads(json.dumps(described))  # credentials are no matter of chance here
    for _, _, operation in operations(open_to_all):
        operation.pop("security", None)
    found = schemathesis.openapi.from_dict(open_to_all, config=schemathesis.Config())
    return [_read(one, described) for one in found.get_all_operations()]


def _read(
    found: Result[APIOperation[Any, Any, Any, Any], InvalidSchema], document: dict[str, Any]
) -> Operation:
    if isinstance(found, Err):
        raise found.err()
    generator = found.ok()
    described = document["paths"][generator.path][generator.method.lower()]
    return Operation(
        name=f"{generator.method.upper()} {generator.path}",
        described=described,
        generator=generator,
        example=read_examples().get(described["operationId"], {}),
    )

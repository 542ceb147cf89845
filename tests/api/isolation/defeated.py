"""The application whose statements forgot the organization: what is left is the second wall."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from psycopg._queries import PostgresQuery, PostgresRawQuery

FILTERS: Final = re.compile(
    r"\b(organization_id|organization\.id)"
    r" *= *(?:%\(\w+\)s(?:::\w+)?"
    r"|ANY *\((?:CAST *\()?%\(\w+\)s(?:::\w+(?:\[\])?)?(?: AS uuid\[\]\))?\)"
    r"|tenant\.id)",
    re.IGNORECASE,
)
"""How statements compare with the organization that a request, or a group of them, is of.

Comparisons of columns with each other stay: they join what belongs together.
"""


@dataclass(slots=True)
class Defeated:
    """Which statements lost their filter."""

    statements: set[str] = field(default_factory=set)

    def defeat(self, statement: str) -> str:
        """The statement without a condition on the organization."""
        without = FILTERS.sub(r"\1 IS NOT NULL", statement)
        if without != statement:
            self.statements.add(without)
        return without


@contextmanager
def without_filters() -> Iterator[Defeated]:
    """Within this every statement of every connection forgets whose rows it asks for."""
    defeated = Defeated()

    def without(convert: Callable[..., None]) -> Callable[..., None]:
        def convert_without(self: PostgresQuery, query: Any, parameters: Any) -> None:
            plain = query.decode() if isinstance(query, bytes) else query
            convert(self, defeated.defeat(plain) if isinstance(plain, str) else plain, parameters)

        return convert_without

    with pytest.MonkeyPatch.context() as patch:
        # Statements whose parameters are numbered already are read by the second.
        for kind in (PostgresQuery, PostgresRawQuery):
            patch.setattr(kind, "convert", without(kind.convert))
        yield defeated


@contextmanager
def without_policies() -> Iterator[None]:
    """Within this connections of a superuser's address act as one: the second wall is gone too."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("runtime.database.engine", "repositories.asynchronous.connections"):
            patch.setattr(f"{module}.APPLICATION_ROLE", "postgres")
        yield

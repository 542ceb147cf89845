"""Where data about people stands: the inventory, and the page of it for operators."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

INVENTORY: Final = Path(__file__).parent / "inventory.toml"


class Fate(StrEnum):
    """What the erasure of a customer does with a place."""

    EMPTIED = "emptied"
    REPLACED = "replaced"
    DELETED = "deleted"
    KEPT = "kept"
    NOT_TOUCHED = "not touched"
    """It is about somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Columns that may name a person, and how long each ``stays`` if nobody asks."""

    places: tuple[str, ...]
    whose: str
    purpose: str
    ground: str
    erasure: Fate
    stays: str
    secret: bool = False
    """Whether nobody is ever shown it, their own export included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A place that is no column."""

    place: str
    holds: str
    erasure: str
    stays: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Every place of text: what may name people, and the columns that name nobody."""

    held: Sequence[Held]
    elsewhere: Sequence[Elsewhere]
    nobody: frozenset[str]

    def with_fate(self, *fates: Fate) -> frozenset[str]:
        """The columns that an erasure treats so."""
        return frozenset(place for one in self.held if one.erasure in fates for place in one.places)


@cache
def read_inventory() -> Inventory:
    """The inventory as it stands in its file."""
    content: dict[str, Any] = tomllib.loads(INVENTORY.read_text())
    return Inventory(
        held=tuple(
            Held(**{**row, "places": tuple(row["places"]), "erasure": Fate(row["erasure"])})
            for row in content["held"]
        ),
        elsewhere=tuple(Elsewhere(**row) for row in content["elsewhere"]),
        nobody=frozenset(
            f"{table}.{column}"
            for table, columns in content["nobody"].items()
            for column in columns
        ),
    )


MARK: Final = "<!-- made of services/personal_data/inventory.toml by make reference -->\n"


def write_page(page: str) -> str:
    """``docs/operators/personal-data.md`` with its tables written again behind their mark."""
    return f"{page[: page.index(MARK)]}{MARK}{write_tables()}\n"


def write_tables() -> str:
    """The inventory as two tables of ``docs/operators/personal-data.md``."""
    return "\n".join([*_rows_of_held(), "", *_rows_elsewhere()])


def _rows_of_held() -> Iterator[str]:
    yield "| Whose | Where | What for | Ground | Erasing a customer | Without that it stays |"
    yield "|---|---|---|---|---|---|"
    for one in read_inventory().held:
        where = ", ".join(f"`{place}`" for place in one.places)
        cells = (one.whose, where, one.purpose, one.ground, one.erasure, one.stays)
        yield f"| {' | '.join(cells)} |"


def _rows_elsewhere() -> Iterator[str]:
    yield "| Where | What it holds | Erasing a customer | It stays |"
    yield "|---|---|---|---|"
    for one in read_inventory().elsewhere:
        yield f"| {one.place} | {one.holds} | {one.erasure} | {one.stays} |"

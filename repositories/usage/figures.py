"""Figures: the SQL of the numbers in a tally that hours of roll-ups can simply be put together of.

A figure goes by one name as a field of ``billing.metering.tallies.Tally``, as a column of
``usage_rollup`` and in the statements that write, rebuild and read roll-ups, which take it from
here. The newest value, the time-weighted sum and distinct values are no such figures: their hours
are put together by more than one column, and the statements say how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from billing.metering.tallies import Aggregation, Definition, Level
from billing.money import ZERO, exactly

_MERGED: Final = {
    "sum": "held.{0} + excluded.{0}",
    "min": "least(held.{0}, excluded.{0})",
    "max": "greatest(held.{0}, excluded.{0})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that is gathered from events into hours, and from hours into spans, in one way.

    ``of_event`` is what an event brings, written with its ``quantity``. A sum of nothing is 0, the
    least and the greatest of nothing are NULL.
    """

    name: str
    gathered: Literal["sum", "min", "max"]
    of_event: str = "quantity"

    def of_events(self) -> str:
        """Gather rows of events."""
        return f"{self.gathered}({self.of_event})"

    def of_counted_events(self) -> str:
        """Gather those rows of events that ``counts``."""
        found = f"{self.of_events()} FILTER (WHERE counts)"
        return f"coalesce({found}, 0)" if self.gathered == "sum" else found

    def of_hours(self, prefix: str = "") -> str:
        """Gather rows of roll-ups."""
        return f"{self.gathered}({prefix}{self.name})"

    def merged(self) -> str:
        """Add the events of a row that arrives to the roll-up that is held."""
        return f"{self.name} = {_MERGED[self.gathered].format(self.name)}"

    def put_together(self, parts: Iterable[Decimal | None]) -> Decimal | None:
        """Gather the figures of parts of a span; None marks a part that has none."""
        known = [part for part in parts if part is not None]
        if self.gathered == "sum":
            return sum(known, ZERO)
        return (min if self.gathered == "min" else max)(known, default=None)


FIGURES: Final = (
    Figure(name="total", gathered="sum"),
    Figure(name="minimum", gathered="min"),
    Figure(name="maximum", gathered="max"),
)


def listed(written: Callable[[Figure], str]) -> str:
    """Write every figure in this way, for a list of columns."""
    return ", ".join(written(figure) for figure in FIGURES)


NO_FIGURES: Final = listed(lambda _: "NULL::numeric")
"""Nothing in every figure's column."""


def names(prefix: str = "") -> str:
    """The columns, of a table if one is named."""
    return listed(lambda figure: prefix + figure.name)


@exactly
def put_together(parts: Sequence[Mapping[str, Decimal | None]]) -> dict[str, Any]:
    """The figures of a span, by name, out of those of its parts."""
    return {one.name: one.put_together(part[one.name] for part in parts) for one in FIGURES}


def pick_figures(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The figures of a row, by name."""
    return {figure.name: row[figure.name] for figure in FIGURES}


def aggregations_where(is_meant: Callable[[Definition], bool]) -> str:
    """The names of some aggregations, for a condition with IN."""
    meant = (f"'{one.value}'" for one in Aggregation if is_meant(one.definition))
    return f"({', '.join(meant)})"


CARRYING_A_TOTAL: Final = aggregations_where(lambda one: one.level is Level.TOTAL)
"""Those whose level every event changes for ever."""

USING_DISTINCT_VALUES: Final = aggregations_where(lambda one: one.uses_distinct_values)

"""One measured figure beside its limit."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]


def figure(
    identifier: str,
    name: str,
    *,
    value: float,
    unit: str,
    limit: float | None = None,
    ratio: float | None = None,
    goal: str = "shown",
    met: bool | None = None,
) -> Result:
    """A row of ``results.json``. ``met`` is None for what has no goal."""
    return {
        "id": identifier,
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "limit": None if limit is None else round(limit, 3),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
    }

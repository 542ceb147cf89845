"""Draw ``benchmarks/results.json``, and write its table into docs/performance.md.

Needs the group ``picture``.

make picture
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "fluxrate"  # the same results make the same file
mpl.rcParams["font.size"] = 8

from matplotlib import pyplot as plt  # noqa: E402  (after its backend is chosen)
from matplotlib.axes import Axes  # noqa: E402  (the same)

RESULTS = Path(__file__).parent / "results.json"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "benchmarks.svg"
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
COLUMNS = 3
COLOURS = {True: "#2b8a5b", False: "#c0632b", None: "#5b6b7b"}
LIMIT_COLOUR = "#c9d1d9"


def main() -> None:
    """Write the picture and the table."""
    results = json.loads(RESULTS.read_text())
    write_table(results)
    figures = [one for one in results if one["limit"]]
    rows = -(-len(figures) // COLUMNS)
    drawing, places = plt.subplots(rows, COLUMNS, figsize=(12, 1.45 * rows))
    for place, one in zip(places.flat, figures, strict=False):
        draw(place, one)
    for place in places.flat[len(figures) :]:
        place.set_visible(False)
    drawing.tight_layout(h_pad=1.2)
    drawing.savefig(PICTURE, metadata={"Date": None})
    print(PICTURE)


def write_table(results: list[dict[str, Any]]) -> None:
    """Every figure as a row of the page, between its marks."""
    rows = [
        "| | what | measured | limit | ratio | goal | |",
        "|---|---|---|---|---|---|---|",
        *(row_of(one) for one in results),
    ]
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + "\n".join([BEGIN, *rows, END]) + after)


def row_of(one: dict[str, Any]) -> str:
    """One figure."""
    verdict = {True: "met", False: "not met", None: ""}[one["met"]]
    goal = "" if one["goal"] == "shown" else one["goal"]
    cells = (
        one["id"],
        one["name"],
        f"{number(one['value'])} {one['unit']}",
        number(one["limit"]),
        number(one["ratio"]),
        goal,
        verdict,
    )
    return f"| {' | '.join(cells)} |"


def number(value: float | None) -> str:
    """A number as people read it."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def draw(place: Axes, one: dict[str, Any]) -> None:
    """Two bars: what was measured, and the limit or the thing that it is compared with."""
    bars = place.barh(
        ["limit", "measured"],
        [one["limit"], one["value"]],
        color=[LIMIT_COLOUR, COLOURS[one["met"]]],
    )
    place.bar_label(bars, fmt=lambda value: f"{number(value)} {one['unit']}", padding=3)
    place.set_xlim(0, 1.55 * max(one["limit"], one["value"]))
    verdict = {True: "met", False: "not met", None: ""}[one["met"]]
    title = f"{one['id']}: {one['name']}. Goal {one['goal']}: {verdict}"
    if one["met"] is None:
        title = f"{one['id']}: {one['name']}"
    place.set_title("\n".join(textwrap.wrap(title, 52)), fontsize=8, loc="left")
    place.tick_params(left=False, bottom=False, labelbottom=False)
    for side in place.spines.values():
        side.set_visible(False)


if __name__ == "__main__":
    main()

"""No folder is a corridor: what has more than fourteen doors is divided into rooms by topic."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

from tests.architecture.sources import BESIDE, PACKAGES, ROOT

MOST_MODULES = 14

UNDIVIDED = {
    "benchmarks": "each file is one measurement, found by the name by which it is asked for",
    "migrations/versions": "the history of the schema is one list, in the order of its numbers",
    "tests/scenarios": "each file is one story through the whole product, and crosses its topics",
}
"""Folders that may grow, and why."""


def test_no_folder_has_more_than_fourteen_modules() -> None:
    modules = Counter(
        str(path.parent.relative_to(ROOT))
        for place in (*PACKAGES, *BESIDE)
        for path in (ROOT / place).rglob("*.py")
        if path.name != "__init__.py"
    )

    assert {
        folder: count
        for folder, count in modules.items()
        if count > MOST_MODULES and folder not in UNDIVIDED
    } == {}
    assert all(modules[folder] > MOST_MODULES for folder in UNDIVIDED)


def test_the_drawing_of_rooms_is_what_import_linter_holds() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [services] = [one for one in linter["contracts"] if one.get("containers") == ["services"]]
    [record] = (ROOT / "docs" / "decisions").glob("0021-*.md")

    [drawing] = re.findall(r"^```\n(.*?)^```$", record.read_text(), re.MULTILINE | re.DOTALL)

    assert drawing.splitlines() == services["layers"]

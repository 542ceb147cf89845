"""No folder is a corridor: what has more than fourteen doors is divided into rooms by topic."""

from __future__ import annotations

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

"""No folder is a corridor: what has more than fourteen doors is divided into rooms by topic."""

from __future__ import annotations

from collections import Counter

from tests.architecture.sources import PACKAGES, ROOT, sources

MOST_MODULES = 14

UNDIVIDED = {
    "migrations/versions": "the history of the schema is one list, in the order of its numbers",
}
"""Folders that may grow, and why. Benchmarks are no product: each file is one measurement."""


def test_no_folder_has_more_than_fourteen_modules() -> None:
    modules = Counter(
        str(source.path.parent.relative_to(ROOT))
        for source in sources(*PACKAGES)
        if source.path.name != "__init__.py"
    )

    assert {
        folder: count
        for folder, count in modules.items()
        if count > MOST_MODULES and folder not in UNDIVIDED
    } == {}
    assert all(modules[folder] > MOST_MODULES for folder in UNDIVIDED)

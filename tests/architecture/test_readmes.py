"""Every package, and every topic in it, tells a newcomer in half a screen what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT

HEADINGS = ["## Owns", "## Does not own", "## Instants"]
LONGEST = 40


def holds_modules(folder: Path) -> bool:
    """Whether Python files stand in the folder itself, or in folders of it."""
    return folder.is_dir() and any(folder.rglob("*.py"))


def described_folders() -> list[Path]:
    """Every package and topic; of the tests those that are named like packages, or alone.

    Migrations are described with their versions, and tests of a topic with those of its layer.
    """
    packages = [ROOT / name for name in (*PACKAGES, "benchmarks", "tests")]
    inner = [
        folder
        for package in packages
        for folder in (package.glob("*") if package.name == "tests" else package.rglob("*"))
        if holds_modules(folder) and package.name != "migrations"
    ]
    return sorted((*packages, *inner))


@pytest.mark.parametrize(
    "folder", described_folders(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_folder_says_what_it_owns_and_what_its_instants_mean(folder: Path) -> None:
    lines = (folder / "README.md").read_text().splitlines()

    assert lines[0] == f"# {folder.relative_to(ROOT)}"
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert len(lines) <= LONGEST

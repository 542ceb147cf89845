"""Every package, and every topic in it, tells a newcomer in half a screen what it is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import BESIDE, PACKAGES, ROOT, undefined_in

HEADINGS = ["## Owns", "## Does not own", "## Instants"]
LONGEST = 40
MODULE = re.compile(r"`([\w/]+\.(?:py|toml))`")

UNDESCRIBED = {"versions"}
"""Of migrations, which are described together."""


def holds_modules(folder: Path) -> bool:
    """Whether Python files stand in the folder itself, or in folders of it."""
    return folder.is_dir() and any(folder.rglob("*.py"))


def described_folders() -> list[Path]:
    """Every package and topic; of the tests those that are named like packages, or alone.

    Migrations are described with their versions, and tests of a topic with those of its layer.
    """
    packages = [ROOT / name for name in (*PACKAGES, *BESIDE)]
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


@pytest.mark.parametrize(
    "folder", described_folders(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_files_that_a_folder_names_are_in_it_or_named_whole(folder: Path) -> None:
    named = MODULE.findall((folder / "README.md").read_text())

    assert [one for one in named if not ((folder / one).exists() or (ROOT / one).exists())] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_layer_leads_to_each_of_its_topics(package: str) -> None:
    folder = ROOT / package
    text = (folder / "README.md").read_text()
    topics = {one.name for one in folder.iterdir() if holds_modules(one)} - UNDESCRIBED

    assert {one for one in topics if f"]({one})" not in text} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_readmes_name_is_defined_there(package: str) -> None:
    text = "".join(path.read_text() for path in sorted((ROOT / package).rglob("README.md")))

    assert undefined_in(text) == set()

"""The pages that say how to add something are followed, word by word, in a copy of the product."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.database.schema import newest_revision
from tests.architecture.sources import PACKAGES, ROOT
from tests.servers import RUN_DIRECTORY

PAGES = ROOT / "docs" / "development"
BLOCK = re.compile(
    r"^`(?P<path>[\w/.-]+)`\n\n(?P<fence>`{3,})(?P<kind>python|diff)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
COPIED = (*PACKAGES, "tests", "docs", "worker.py", "pyproject.toml", "README.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a page has its reader write: a new file, or a change of one."""

    path: str
    is_change: bool
    text: str

    def apply(self, root: Path) -> None:
        """Write it. A change must fit in exactly one place."""
        file = root / self.path
        if not self.is_change:
            file.write_text(self.text)
            return
        lines = self.text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        content = file.read_text()
        assert content.count(before) == 1, f"{self.path} has {before!r} {content.count(before)}×"
        file.write_text(content.replace(before, after))


def edits_of(page: str) -> list[Edit]:
    """Everything that a page has its reader write, in order."""
    text = (PAGES / page).read_text()
    return [
        Edit(path=found["path"], is_change=found["kind"] == "diff", text=found["text"])
        for found in BLOCK.finditer(text)
    ]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the product with its tests and documents, and what is compiled of them."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("histories")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(scratch: Path, *command: str) -> str:
    """What a Python module prints that runs in the copy and succeeds."""
    mine = {"PYTHONPATH", RUN_DIRECTORY, "PYTEST_CURRENT_TEST"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in mine and not name.startswith("PYTEST_XDIST")
    }
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=scratch,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def follow(page: str, scratch: Path) -> set[str]:
    """Which code the reader of a page touches. The copy is changed, in the style of the house."""
    edits = edits_of(page)
    for edit in edits:
        edit.apply(scratch)
    written = {edit.path for edit in edits if edit.path.endswith(".py")}
    run(scratch, "ruff", "check", *sorted(written))
    run(scratch, "ruff", "format", "--check", *sorted(written))
    return {path for path in written if not path.startswith("tests/")}


def test_a_price_model_is_added_as_its_page_says(scratch: Path) -> None:
    code = follow("adding-a-price-model.md", scratch)

    assert code == {
        "billing/pricing/two_part.py",
        "billing/pricing/registry.py",
        "api/schemas/catalog/price_models.py",
    }
    assert "failed" not in run(
        scratch,
        "pytest",
        "-q",
        "tests/billing/pricing/test_two_part.py",
        "tests/architecture/test_kinds.py",
        "tests/billing/invoicing/test_worked_examples.py",
        "-k=two_part or kinds or pricing",
    )


def test_an_aggregation_is_added_as_its_page_says(scratch: Path) -> None:
    code = follow("adding-an-aggregation.md", scratch)
    number_migration(scratch / "migrations" / "versions" / "NEXT_sum_of_squares.py")

    assert code == {
        "billing/metering/tallies.py",
        "repositories/usage/figures.py",
        "models/usage/rollups.py",
        "migrations/versions/NEXT_sum_of_squares.py",
    }
    assert "failed" not in run(
        scratch,
        "pytest",
        "-q",
        "tests/services/usage/test_aggregates.py",
        "tests/models/test_names_in_constraints.py",
        "tests/models/test_migrations.py",
        "tests/architecture/test_kinds.py",
        "tests/billing/invoicing/test_worked_examples.py",
        "-k=SUM_OF or constraints or models_are or back_and_forth or kinds or aggregation.md",
    )


def number_migration(written: Path) -> None:
    """The migration follows the newest one that there is."""
    newest = newest_revision()
    following = f"{int(newest) + 1:04}"
    text = written.read_text().replace("NEXT", following).replace("NEWEST", newest)
    written.with_name(written.name.replace("NEXT", following)).write_text(text)
    written.unlink()

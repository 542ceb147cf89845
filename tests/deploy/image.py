"""What ``docker build`` is given of this repository, by ``.dockerignore``."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from tests.architecture.sources import ROOT

FILE = ROOT / ".dockerignore"


def allowed_paths() -> list[str]:
    """The files and folders that the builder gets; all else is left out first."""
    lines = [line for line in FILE.read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    return [line[1:] for line in lines if line.startswith("!")]


def is_given(path: str) -> bool:
    """Whether the builder gets a file or folder whole."""
    asked = PurePosixPath(path)
    return any(asked.is_relative_to(one) for one in allowed_paths())


def copy_context(target: Path) -> None:
    """A folder has what the builder gets, and nothing else."""
    for name in allowed_paths():
        source, copied = ROOT / name, target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            left_out = shutil.ignore_patterns("__pycache__", "dist")
            shutil.copytree(source, copied, ignore=left_out)
        else:
            shutil.copy(source, copied)

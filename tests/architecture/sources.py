"""The repository's own files, parsed once, for rules about them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

PACKAGES = (
    "activities",
    "api",
    "billing",
    "cli",
    "console",
    "integrations",
    "migrations",
    "models",
    "repositories",
    "runtime",
    "services",
    "workflows",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """Where a finding is, as an editor understands it."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted name that is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, ast.unparse(node.func)

    def imported_modules(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module that the file imports, wherever it does."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node, node.module


@cache
def sources(*packages: str) -> tuple[Source, ...]:
    """The files of packages, or of directories such as ``tests``."""
    paths = sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))
    return tuple(parse(path) for path in paths)


@cache
def every_source() -> tuple[Source, ...]:
    """The whole product with its tests."""
    return (*sources(*PACKAGES, "tests"), parse(ROOT / "worker.py"))


def parse(path: Path) -> Source:
    """A file's text and tree."""
    text = path.read_text()
    return Source(path, text, ast.parse(text))


def documents() -> tuple[Path, ...]:
    """Everything that is written for people."""
    packages = (ROOT / name for name in (*PACKAGES, "benchmarks", "docs", "tests"))
    return (
        *sorted(ROOT.glob("*.md")),
        *(one for package in packages for one in sorted(package.rglob("*.md"))),
    )

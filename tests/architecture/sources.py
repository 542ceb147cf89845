"""The repository's own files, parsed once, for rules about them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

DEFINITION = re.compile(r"`([\w/]+\.py)::([\w.]+)`")
"""How documents name what is defined in a file."""

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


BESIDE = ("benchmarks", "clients/generator", "clients/python/fluxrate_client", "deploy", "tests")
"""What is described like a package, and is none of the product's."""


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


def definitions(body: list[ast.stmt], within: str = "") -> set[str]:
    """The functions, classes and constants of a module, and those of its classes with a dot."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(within + node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {within + node.name} | definitions(node.body, f"{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {within + target.id for target in targets if isinstance(target, ast.Name)}
    return found


def undefined_in(text: str) -> set[str]:
    """What a text names as ``file.py::name`` and is not there."""
    return {
        f"{file}::{name}"
        for file, name in DEFINITION.findall(text)
        if not (ROOT / file).exists() or name not in definitions(parse(ROOT / file).tree.body)
    }


def parse(path: Path) -> Source:
    """A file's text and tree."""
    text = path.read_text()
    return Source(path, text, ast.parse(text))


def documents() -> tuple[Path, ...]:
    """Everything that is written for people."""
    packages = (ROOT / name for name in (*PACKAGES, *BESIDE, "docs"))
    return (
        *sorted(ROOT.glob("*.md")),
        *(one for package in packages for one in sorted(package.rglob("*.md"))),
    )

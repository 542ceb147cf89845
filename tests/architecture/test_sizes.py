"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast

from tests.architecture.sources import ROOT, Source, every_source, sources

LONGEST_FILE = 300
LONGEST_FUNCTION = 45
MADE = ("models.py", "params.py", "resources.py", "async_resources.py")
"""Modules of the Python client that are made of the document, and not committed."""


def measured() -> tuple[Source, ...]:
    """Every file with a length. Parsed by the tests: each process of a run collects them all."""
    clients = [one for one in sources("clients") if one.path.name not in MADE]
    return (*every_source(), *sources("benchmarks"), *clients)


def is_migration(source: Source) -> bool:
    """Whether the file records one change of the schema: it is written once and never grows."""
    return "versions" in source.path.parts


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {
        str(source.path.relative_to(ROOT)): source.text.count("\n")
        for source in measured()
        if not is_migration(source)
    }

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_longer_than_45_lines() -> None:
    long = [
        f"{source.at(node)} {node.name}"
        for source in measured()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not is_migration(source)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]

    assert long == []

"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast

from tests.architecture.sources import ROOT, Source, every_source

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def is_migration(source: Source) -> bool:
    """Whether the file records one change of the schema: it is written once and never grows."""
    return "versions" in source.path.parts


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(source.path.relative_to(ROOT)): lines
        for source in every_source()
        if (lines := source.text.count("\n")) > LONGEST_FILE and not is_migration(source)
    }

    assert long == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{source.at(node)} {node.name}"
        for source in every_source()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not is_migration(source)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]

    assert long == []

"""Long statements explain themselves as they go."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from repositories.statement_text import compact
from tests.architecture.sources import Source, sources

LONG = 24
"""Lines from which on a statement is long."""

LINES_TO_A_SENTENCE = 20


def statements(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every literal that is SQL, as it is written."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr | ast.Constant):
            written = ast.get_source_segment(source.text, node) or ""
            if written.count('"""') == 2 and ("SELECT " in written or "SELECT\n" in written):
                yield node, written


def test_long_statements_have_a_sentence_for_every_second_paragraph() -> None:
    long = {
        (source.at(node), written.count("\n"), written.count("-- "))
        for source in sources("repositories")
        for node, written in statements(source)
        if written.count("\n") >= LONG
    }

    assert len(long) >= 12
    assert [one for one in long if one[2] * LINES_TO_A_SENTENCE < one[1]] == []


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("SELECT 1", "SELECT 1"),
        ("\n-- Why.\nSELECT 1,\n    2\n", "SELECT 1, 2"),
        ("SELECT a\n-- One.\n-- Two.\nFROM b", "SELECT a FROM b"),
        ("SELECT a - -b\n    -- Nothing is left of it.", "SELECT a - -b"),
        ("SELECT 'a -b'", "SELECT 'a -b'"),
    ],
)
def test_compact_statement_is_one_line_without_comments(written: str, sent: str) -> None:
    assert compact(written) == sent

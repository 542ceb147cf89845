"""docs/development/where-things-are.md names files that exist, and what is defined in them."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.sources import ROOT, parse

PAGE = ROOT / "docs" / "development" / "where-things-are.md"
MOST_FILES = 3

ROW = re.compile(r"^\| (?P<question>[^|]+\?) \| (?P<answer>.+) \|$", re.MULTILINE)
DEFINITION = re.compile(r"`([\w/]+\.py)::([\w.]+)`")
DOCUMENT = re.compile(r"\]\(([\w./-]+\.md)\)")

ROWS: dict[str, str] = dict(ROW.findall(PAGE.read_text()))


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


def test_ten_questions_are_answered() -> None:
    assert len(ROWS) == 10


@pytest.mark.parametrize("question", ROWS)
def test_answer_is_found_in_three_files(question: str) -> None:
    answer = ROWS[question]
    named = set(DEFINITION.findall(answer))
    documents = set(DOCUMENT.findall(answer))

    assert named
    assert len({file for file, _ in named} | documents) <= MOST_FILES
    assert {one for one in documents if not (PAGE.parent / one).exists()} == set()
    assert {
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).exists() or name not in definitions(parse(ROOT / file).tree.body)
    } == set()

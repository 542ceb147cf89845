"""What docs/concepts/double-billing.md names is there: constraints in the schema, and tests."""

from __future__ import annotations

import ast
import re

from sqlalchemy import text

from tests.architecture.sources import ROOT, parse
from tests.servers import superuser_engine
from tests.services.operations.test_second_rows import SECOND_ROWS

PAGE = ROOT / "docs" / "concepts" / "double-billing.md"

PLACE = re.compile(r"^## \d+\. .*?(?=^## )", re.MULTILINE | re.DOTALL)
CONSTRAINT = re.compile(r"`((?:pk|uq|ex|fk|ck)_\w+)`")
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")

NAMES = """
    SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public'
"""


def test_every_place_names_what_prevents_it_and_what_shows_it() -> None:
    places = PLACE.findall(PAGE.read_text())

    assert len(places) == PAGE.read_text().count("\n## ") - 1
    assert [place for place in places if not CONSTRAINT.search(place)] == []
    assert [place for place in places if not TEST.search(place)] == []


def test_constraints_are_in_the_migrated_schema(database_url: str) -> None:
    engine = superuser_engine(database_url)
    with engine.connect() as connection:
        known = set(connection.execute(text(NAMES)).scalars())

    assert set(CONSTRAINT.findall(PAGE.read_text())) - known == set()


def test_a_second_row_is_tried_against_every_constraint() -> None:
    assert set(CONSTRAINT.findall(PAGE.read_text())) == set(SECOND_ROWS)


def test_tests_exist() -> None:
    named = set(TEST.findall(PAGE.read_text()))
    missing = {
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / "tests" / file).exists() or name not in functions_of(file)
    }

    assert named
    assert missing == set()


def functions_of(file: str) -> set[str]:
    """The functions of a file of tests."""
    return {
        node.name
        for node in parse(ROOT / "tests" / file).tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

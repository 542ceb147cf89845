"""Each rule of prepaid credit names tests that are there."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("rules.toml").read_text()
)


@cache
def names_of(path: str) -> frozenset[str]:
    """The functions of a file."""
    body = ast.parse((ROOT / path).read_text()).body
    return frozenset(one.name for one in body if isinstance(one, ast.FunctionDef))


def test_no_rule_and_no_invariant_is_missing() -> None:
    assert [*NAMED["rules"]] == [str(number) for number in range(1, 26)]
    assert [*NAMED["invariants"]] == [f"I{number}" for number in range(1, 11)]


@pytest.mark.parametrize("kind", NAMED)
def test_what_is_named_is_there(kind: str) -> None:
    missing = [
        one
        for tests in NAMED[kind].values()
        for one in tests
        if one.partition("::")[2] not in names_of(one.partition("::")[0])
    ]
    assert missing == []


def test_what_was_reported_elsewhere_is_found_by_its_name() -> None:
    unnamed = [
        one
        for report, tests in NAMED["reported_elsewhere"].items()
        for one in tests
        if f"test_{report.partition('_')[0]}" not in one
    ]
    assert unnamed == []

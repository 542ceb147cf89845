"""Names that were given up for one word an idea (docs/glossary.md) do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, Source, every_source, parse, sources

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
PRODUCT = tuple(package for package in PACKAGES if package != "migrations")
PUBLIC = {"owners_checked"}
"""Fields of the API, which keep the word that they were published with."""

PICTURES = re.compile(r"crowd|attend(ed|ance)?|stretch(es)?")
STORES = re.compile(r"(Kept|Known|Remembered)[A-Z]")


def names_in(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every name that a file gives, with where it does; the file's own comes first."""
    yield source.tree, source.path.stem
    for node in ast.walk(source.tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield node, name
            case ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                yield node, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node, name
            case ast.alias(asname=str(name)):
                yield node, name


def words_of(name: str) -> list[str]:
    """``SubscriptionWorkflows`` and ``subscription_workflows`` are the same two words."""
    return [word.lower() for word in WORD.findall(name)]


def found(given: tuple[Source, ...], is_wrong: Callable[[str], object]) -> list[str]:
    """Where a name is given that is wrong."""
    return [
        f"{source.at(node)} {name}"
        for source in given
        # Most files have no such word at all, which their text says faster than their tree.
        if any(map(is_wrong, {source.path.stem, *re.findall(r"\w+", source.text)}))
        for node, name in names_in(source)
        if is_wrong(name)
    ]


def names_an_owner(name: str) -> bool:
    return name not in PUBLIC and not {"owner", "owners"}.isdisjoint(words_of(name))


def names_an_audit(name: str) -> bool:
    return not {"audit", "audits", "audited"}.isdisjoint(words_of(name))


def paints(name: str) -> bool:
    return any(PICTURES.fullmatch(word) for word in words_of(name)) or bool(STORES.match(name))


def test_a_subscription_has_a_workflow_and_no_owner() -> None:
    assert found(sources(*PRODUCT, "benchmarks", "tests/workflows"), names_an_owner) == []


def test_the_hourly_check_is_of_coverage_and_no_audit() -> None:
    assert found(sources("activities", "workflows", "runtime"), names_an_audit) == []


def test_technical_words_are_the_fields_own() -> None:
    assert found((*every_source(), *sources("benchmarks")), paints) == []


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("class TemporalOwners: ...", names_an_owner),
        ("def tell_owner(): ...", names_an_owner),
        ("async def check(owner): ...", names_an_owner),
        ("self.owners = 1", names_an_owner),
        ("import agenda as owners", names_an_owner),
        ("AUDIT_EVERY = 1", names_an_audit),
        ("class KnownKeys: ...", paints),
        ("def attend(): ...", paints),
        ("crowd = 1", paints),
    ],
)
def test_these_rules_see_what_they_look_for(
    text: str, is_wrong: Callable[[str], bool], tmp_path: Path
) -> None:
    path = tmp_path / "named.py"
    path.write_text(text)

    assert any(is_wrong(name) for _, name in names_in(parse(path)))

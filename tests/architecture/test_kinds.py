"""Who knows which price models and aggregations there are: their definitions, and nobody else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields

from api.schemas.catalog.price_models import PriceModelWrite
from billing.metering.tallies import Aggregation
from billing.pricing import MODELS
from tests.architecture.sources import PACKAGES, ROOT, Source, sources

PRODUCT = tuple(package for package in PACKAGES if package != "migrations")
CLASSES = {kind.__name__ for kind in MODELS.values()}
IN_SQL = re.compile(rf"'({'|'.join(Aggregation)})'")


def outside(*definitions: str) -> Iterator[Source]:
    """The product without the files that define something."""
    for source in sources(*PRODUCT):
        if not str(source.path.relative_to(ROOT)).startswith(definitions):
            yield source


def tells_apart(node: ast.AST) -> bool:
    """Whether the node chooses by what something is equal to, or an element of."""
    return isinstance(node, (ast.Compare, ast.MatchValue, ast.MatchClass))


def test_a_price_model_stands_in_a_file_of_its_name() -> None:
    assert {kind.__module__ for kind in MODELS.values()} == {
        f"billing.pricing.{name}" for name in MODELS
    }


def test_no_module_tells_price_models_apart() -> None:
    found = [
        source.at(node)
        for source in outside("billing/pricing/")
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Name) and node.id in CLASSES)
        or (tells_apart(node) and any(f"'{name}'" in ast.unparse(node) for name in MODELS))
    ]

    assert found == []


def test_the_schema_of_the_api_has_the_inputs_of_every_price_model() -> None:
    inputs = {one.name for kind in MODELS.values() for one in fields(kind) if one.init}

    properties = PriceModelWrite.model_json_schema()["properties"]
    assert properties.keys() == inputs | {"model"}
    assert properties["model"]["enum"] == [*MODELS]


def test_no_module_tells_aggregations_apart() -> None:
    found = [
        source.at(node)
        for source in outside("billing/metering/")
        for node in ast.walk(source.tree)
        if (tells_apart(node) and re.search(r"\bAggregation\.[A-Z]", ast.unparse(node)))
        or (isinstance(node, ast.Constant) and IN_SQL.search(str(node.value)))
    ]

    assert found == []


def test_these_rules_see_what_they_look_for() -> None:
    seen = ast.parse("match one:\n    case Aggregation.SUM:\n        pass\nkind == 'package'")

    assert {ast.unparse(node) for node in ast.walk(seen) if tells_apart(node)} == {
        "Aggregation.SUM",
        "kind == 'package'",
    }

"""Codes of problems: all stand in the catalogue, which people can read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest
from pydantic_core.core_schema import ErrorType

from api.document.codes import UNSORTED, read_codes, read_topics, write_reference
from api.document.operations import operations
from api.document.problem_schema import PROBLEM
from api.document.problems import read_refusals
from api.transport.errors import STATUSES
from tests.api.examples.refusals import gather, not_met
from tests.api.people import Person
from tests.api.shared_document import shared_document

ROOT = Path(__file__).parents[3]
LAYERS = ("activities", "api", "billing", "console", "integrations", "repositories", "runtime")
ERRORS = {kind.__name__ for kind in STATUSES}
OF_HEADERS = {"retry_after_seconds"}
ELSEWHERE = {"Exemption"}
"""What has a code that is no error's."""


def calls_in(layer: str) -> Iterator[ast.Call]:
    for file in (ROOT / layer).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield node


def codes_in(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
    if name in ELSEWHERE:
        return
    places = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    if name == "problem":
        places += call.args[2:3]
    if name == "PydanticCustomError":
        places += call.args[:1]
    for place in places:
        if isinstance(place, ast.Constant) and isinstance(place.value, str):
            yield place.value


@pytest.mark.parametrize("layer", [*LAYERS, "services", "workflows"])
def test_every_code_of_the_product_stands_in_the_catalogue(layer: str) -> None:
    raised = {code for call in calls_in(layer) for code in codes_in(call)}

    assert raised <= read_codes().keys()


def texts_in(layers: Iterable[str]) -> Iterator[str]:
    for layer in layers:
        for file in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value.casefold()


@pytest.mark.parametrize("code", ["extra_forbidden", "unknown_parameter", "string_too_long"])
def test_codes_of_fields_are_explained(visitor: Person, code: str) -> None:
    page = visitor.get(f"/errors/{code}")

    assert page.status_code == 200
    assert read_codes()[code].title in page.text


def test_every_code_of_the_catalogue_stands_in_the_code() -> None:
    texts: set[str] = set(get_args(ErrorType))
    texts.update(texts_in([*LAYERS, "services", "workflows"]))

    def can_be_raised(code: str) -> bool:
        noun = code.removesuffix("_not_found")
        return code in texts or (noun != code and bool({noun, noun.replace("_", " ")} & texts))

    assert [code for code in read_codes() if not can_be_raised(code)] == []


def test_what_is_recorded_and_not_met_any_more_is_told() -> None:
    recorded = read_refusals()["add_charge"]

    forgotten = not_met({"add_charge": {*recorded[1:], "409 new"}})

    assert f"add_charge {recorded[0]}" in forgotten
    assert f"add_charge {recorded[1]}" not in forgotten
    assert gather({"add_charge": {"409 new"}})["add_charge"] == sorted([*recorded, "409 new"])


def test_whatever_an_error_is_about_is_a_member_of_the_problem() -> None:
    named = {
        keyword.arg
        for layer in (*LAYERS, "services", "workflows")
        for call in calls_in(layer)
        if getattr(call.func, "id", None) in ERRORS
        for keyword in call.keywords
    }

    assert {"code", "field", "event_id"} <= named
    assert named - {None, "code", "field", *OF_HEADERS} <= PROBLEM["properties"].keys()


def test_every_code_is_in_one_topic_by_its_name() -> None:
    topics = {topic: [one.code for one in codes] for topic, codes in read_topics().items()}

    assert sorted(code for codes in topics.values() for code in codes) == list(read_codes())
    assert len(topics.get(UNSORTED, ())) <= 10, "sort them in: api/document/code_topics.toml"
    assert [topic for topic, codes in topics.items() if codes != sorted(codes)] == []
    # A topic's heading may not take the anchor of a code.
    assert not {topic.lower().replace(" ", "_") for topic in topics} & set(read_codes())


def test_the_page_of_the_reference_leads_to_every_code_from_its_top() -> None:
    head, *sections = write_reference().split("\n## ")

    assert len(sections) == len(read_topics())
    assert set(re.findall(r"\]\(#(\w+)\)", head)) >= set(read_codes())
    assert [code for code in read_codes() if f"\n### {code}\n" not in write_reference()] == []


def test_the_reference_is_the_catalogue() -> None:
    reference = ROOT / "docs" / "reference" / "errors.md"

    assert reference.read_text() == write_reference(), "`make reference` writes it again"


def test_the_type_of_a_problem_opens_for_anybody(visitor: Person) -> None:
    problem = visitor.get("/api/v1/customers").json()

    page = visitor.get(urlsplit(problem["type"]).path)

    assert problem["type"].startswith("http://")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "No credentials were sent" in page.text
    for index in ("/errors", "/errors/"):
        assert visitor.get(index).text.count("<dt>") == len(read_codes())
    assert visitor.get("/errors/nothing").status_code == 404


def test_every_operation_tells_how_it_refuses() -> None:
    for _, _, operation in operations(shared_document()):
        responses = operation["responses"]
        told = {status: one["x-codes"] for status, one in responses.items() if "x-codes" in one}
        assert "422" in told, operation["operationId"]
        assert not operation["security"] or "401" in told, operation["operationId"]
        for status, codes in told.items():
            assert {int(status)} <= {s for code in codes for s in read_codes()[code].statuses}

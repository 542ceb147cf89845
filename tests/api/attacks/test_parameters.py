"""Statements, ways up and wildcards in every parameter of every operation.

Operations and their parameters come out of the document, so a new one is attacked as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from httpx2 import Response

from tests.api.access.furnished import V1, Ids, fill, furnish
from tests.api.access.test_tenants import everything_of
from tests.api.attacks.corpora import JSON_PATHS, PATHS, SQL, WILDCARDS
from tests.api.people import Person

SLOW_SECONDS = 4.0
"""A statement that sleeps for five seconds would take longer."""

SIGNS = ("syntax error", "psycopg", "sqlalchemy", "Traceback", "pg_catalog", "root:x:0", "SELECT ")
"""What an answer has in it where words were run, or a file was read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter of an operation."""

    method: str
    path: str
    name: str
    is_in_path: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path} {'path' if self.is_in_path else 'query'} {self.name}"


def places_of(document: dict[str, Any]) -> list[Place]:
    """Every parameter of the path and the query of every operation."""
    return [
        Place(method.upper(), path, one["name"], one["in"] == "path")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict)
        for one in operation.get("parameters", [])
        if one.get("in") in {"path", "query"}
    ]


@pytest.fixture(scope="module")
def me(shared_app: FastAPI) -> Person:
    return Person(shared_app).sign_up("Mine")


@pytest.fixture(scope="module")
def ids(me: Person) -> Ids:
    return furnish(me)


@pytest.fixture(scope="module")
def places(me: Person) -> list[Place]:
    return places_of(me.get("/openapi.json").json())


def attack(me: Person, ids: Ids, place: Place, words: str) -> Response:
    """The answer to these words in this place; every other place is filled as it should be."""
    known = dict(ids)
    query = ""
    if place.is_in_path:
        known[place.name] = quote(words, safe="")
    else:
        query = f"?{place.name}={quote(words, safe='')}"
    body: dict[str, Any] | None = {} if place.method in {"POST", "PUT", "PATCH"} else None
    began = time.monotonic()
    answer = me.request(place.method, fill(place.path, known) + query, json=body)
    assert time.monotonic() - began < SLOW_SECONDS, f"{place} took {words!r} for a statement"
    return answer


def wrong_with(answer: Response, words: str) -> str:
    """What an answer to hostile words must not be."""
    said = answer.text.replace(words, "")
    if answer.status_code >= 500:
        return f"{answer.status_code} {said[:200]}"
    return next((f"says {sign!r}" for sign in SIGNS if sign in said), "")


def is_safe_to_send(place: Place) -> bool:
    """Whether the operation does nothing by itself: its id or its query is what is hostile."""
    return place.is_in_path or place.method == "GET"


@pytest.mark.parametrize("words", SQL)
def test_a_statement_in_any_parameter_is_words(
    me: Person, ids: Ids, places: list[Place], words: str
) -> None:
    found = {
        str(place): wrong
        for place in places
        if is_safe_to_send(place)
        if (wrong := wrong_with(attack(me, ids, place, words), words))
    }

    assert found == {}
    assert len(places) > 200


@pytest.mark.parametrize("words", PATHS)
def test_a_way_up_in_an_id_leads_nowhere(
    me: Person, ids: Ids, places: list[Place], words: str
) -> None:
    found = {}
    for place in places:
        if place.is_in_path and place.method == "GET":
            answer = attack(me, ids, place, words)
            if (wrong := wrong_with(answer, words)) or answer.status_code == 200:
                found[str(place)] = wrong or answer.text[:200]

    assert found == {}


@pytest.mark.parametrize("words", [*SQL, *WILDCARDS])
def test_a_search_matches_words_and_no_pattern(me: Person, ids: Ids, words: str) -> None:
    assert ids["customer_id"]

    answer = me.get(f"{V1}/customers", params={"q": words})

    assert answer.status_code == 200
    assert answer.json()["data"] == []


@pytest.mark.parametrize(
    "name", ["sort", "order_by", "order", "filter", "where", "fields", "expand"]
)
@pytest.mark.parametrize("words", ["created_at; DROP TABLE customer", "(SELECT 1)", "name,-id"])
def test_lists_know_no_sorting_and_no_filter_of_ones_own(me: Person, name: str, words: str) -> None:
    answer = me.get(f"{V1}/customers", params={name: words})

    assert answer.status_code == 422, answer.text
    named = [(one["field"], one["code"]) for one in answer.json()["errors"]]
    assert named == [(name, "unknown_parameter")]


@pytest.mark.parametrize("words", JSON_PATHS)
def test_a_property_of_a_meter_is_a_name_and_no_language(me: Person, ids: Ids, words: str) -> None:
    number = JSON_PATHS.index(words)
    body = {
        "name": "Hostile",
        "lookup_key": f"hostile_{number}",
        "type": "meter",
        "meter_name": f"hostile_{number}",
        "property_name": words,
        "aggregation_type": "SUM",
        "filters": [{"property": words, "operator": "ne", "value": words}],
    }
    made = me.post(f"{V1}/features", json=body)
    if made.status_code == 422:
        return
    assert made.status_code == 201, made.text
    event = {"customer_external_id": "acct_77", "meter_name": f"hostile_{number}"}
    stored = me.post(f"{V1}/usage", json=event | {"properties": {words: 2}})
    path = f"{V1}/meters/{made.json()['meter']['id']}/usage"

    assert stored.status_code in {201, 422}, stored.text
    assert me.get(path).status_code == 200
    assert ids["meter_id"]


def test_nothing_was_changed_by_all_that(me: Person, ids: Ids, places: list[Place]) -> None:
    before = everything_of(me, ids)
    for place in places:
        if place.method != "GET" and place.is_in_path:
            attack(me, ids, place, SQL[0])

    assert everything_of(me, ids) == before

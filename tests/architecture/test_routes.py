"""A new route cannot forget what holds for all: names in paths, strict queries, exact JSON."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api import app, catching_up
from api.access import filter_ids, sessions
from api.ingestion.openapi import add_ingestion
from api.routers import ingestion
from api.routers.accounts import audit
from api.routers.operations import docs, health, metrics, status, workers
from api.transport.route import StrictRoute
from api.transport.urls import natural_keys
from api.transport.urls.query import query_parameters
from models.base import Tenant
from repositories import natural_keys as stored_names

OPENERS = {
    catching_up.open_by_name,
    catching_up.open_changing,
    sessions.open_reading,
    sessions.open_writing,
    sessions.open_usage_reading,
    sessions.open_usage_writing,
    sessions.open_managing,
    sessions.open_members,
    sessions.open_own,
}
ROUTES = [route for router in app.ROUTERS for route in router.routes if isinstance(route, APIRoute)]
OTHERS = [
    route
    for router in (docs.router, health.router, metrics.router, status.router, workers.router)
    for route in router.routes
]
DIRECT = [
    *ingestion.make_routes(""),
    *(route for router in app.FAST_ROUTERS for route in router.make_fast_routes("")),
]

FAST_READS = {route.path for route in DIRECT if "GET" in (route.methods or ())}
FAST_WRITES = {
    "/auth/login",
    "/credits/holds",
    "/subscriptions/{subscription_id}/preview-invoice",
}
"""Writes that the framework answers too, unless they are as most are."""


def called(dependant: Dependant) -> Iterator[object]:
    for one in dependant.dependencies:
        yield one.call
        yield from called(one)


def takes_a_thread(call: object) -> bool:
    """Whether the framework runs a dependency in a thread for a moment, and ends it there at once.

    One that yields has a thread as it begins and another as it ends.
    """
    is_asynchronous = inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
    return not is_asynchronous and not inspect.isgeneratorfunction(call)


def names_in(path: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", path))


def name_of(route: BaseRoute) -> str:
    return f"{sorted(getattr(route, 'methods', ()))} {getattr(route, 'path', '')}"


def test_what_routes_depend_on_has_a_thread_only_to_ask_the_database() -> None:
    threaded = {one for route in ROUTES for one in called(route.dependant) if takes_a_thread(one)}

    assert threaded == {catching_up.open_by_name, audit.get_filter}


@pytest.mark.parametrize("route", [*ROUTES, *OTHERS], ids=name_of)
def test_every_route_is_strict_and_exact(route: BaseRoute) -> None:
    assert isinstance(route, StrictRoute)


@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if names_in(one.path) & natural_keys.NATURAL_KEYS.keys()],
    ids=name_of,
)
def test_every_path_that_takes_a_name_is_read_where_the_transaction_opens(
    route: APIRoute,
) -> None:
    """``dependencies`` gives the path ids; routes on the fast path look names up themselves."""
    is_direct = route.path in FAST_READS and route.methods == {"GET"}
    opens = any(one in OPENERS for one in called(route.dependant))

    assert opens or is_direct


def test_every_kind_of_thing_in_a_path_is_known_to_have_a_name_or_not() -> None:
    """Whoever adds a noun decides here whether people name it."""
    nameless = {
        *("key_id", "charge_id", "tax_rate_id", "subscription_id", "period_index", "line_id"),
        *("credit_note_id", "test_clock_id", "payment_id", "event_id", "lookup_key"),
        *("provider", "organization_id", "method_id", "version"),
        *("connection_id", "endpoint_id", "delivery_id", "email_id", "kind", "language"),
        *("member_id", "invitation_id", "session_id", "grant_id", "hold_id", "coupon_id"),
        *("rule_id", "grant_rule_id", "alert_id", "add_on_id", "commitment_id"),
    }
    named = {name for route in ROUTES for name in names_in(route.path)}

    assert named - nameless == set(natural_keys.NATURAL_KEYS)


def test_every_filter_by_an_id_is_one_that_is_looked_up() -> None:
    """An id in a query is of somebody: a new one enters ``api.access.filter_ids`` (CONTRACT 97).

    How a caller calls a request is nobody's id.
    """
    used = {
        name
        for route in ROUTES
        for name in query_parameters(route.dependant)
        if name.endswith("_id")
    }
    by_callers = {"request_id"}

    assert used - by_callers == set(filter_ids.FIND)


def test_fast_routes_take_the_parameters_that_are_documented() -> None:
    documented = add_ingestion({})["paths"]
    told = {
        ("POST", path.removeprefix("/api/v1")): {
            one["name"] for one in operations["post"].get("parameters", ())
        }
        for path, operations in documented.items()
    }
    told |= {
        ("GET", route.path): query_parameters(route.dependant)
        for route in ROUTES
        if route.methods == {"GET"} and route.path in FAST_READS
    }
    told |= {
        ("POST", route.path): query_parameters(route.dependant)
        for route in ROUTES
        if route.methods == {"POST"} and route.path in FAST_WRITES
    }

    assert {
        (*(set(route.methods or ()) - {"HEAD"}), route.path): route.parameters for route in DIRECT
    } == told
    assert len(told) == len(DIRECT)


@pytest.mark.parametrize("noun", stored_names.FIND)
def test_every_name_is_found_by_a_unique_index(noun: str) -> None:
    """One statement, one index, one thing."""
    table = Tenant.metadata.tables[noun]
    key = natural_keys.NATURAL_KEYS[f"{noun}_id"].name
    unique = [
        [column.name for column in one.columns]
        for one in (*table.indexes, *table.constraints)
        if getattr(one, "unique", True) and hasattr(one, "columns")
    ]

    assert ["organization_id", key] in unique

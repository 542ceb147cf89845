"""Addresses are looked for among the routes of their section, and found as among all."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.testclient import TestClient

from api.app import ADDRESSES
from api.transport.urls.sections import Sections, section_of
from tests.api.people import Person


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/api/v1/plans/studio/features", "/api/v1/plans"),
        ("/api/v1/plans", "/api/v1/plans"),
        ("/api/v1", "/api"),
        ("/api/v1/", "/api/v1/"),
        ("/console", "/console"),
        ("/console/", "/console/"),
        ("/console/plans/1", "/console/plans"),
        ("/", "/"),
        ("/verify/1", "/verify"),
    ],
)
def test_path_belongs_to_a_section(path: str, section: str) -> None:
    assert section_of(path) == section


def test_every_operation_is_found_in_its_section(app: FastAPI) -> None:
    sections = app.router.middleware_stack
    assert isinstance(sections, Sections)
    assert sections.knows_all

    for method, template in ADDRESSES:
        path = template.replace("{", "").replace("}", "")
        scope = {"type": "http", "method": method, "path": path}
        router = sections._routers[section_of(path)]
        assert len(router.routes) < len(app.router.routes) / 4
        found = [one.matches(dict(scope))[0] for one in router.routes]
        among_all = [one.matches(dict(scope))[0] for one in app.router.routes]
        assert Match.FULL in found or Match.FULL not in among_all, (method, path)


def test_what_leads_nowhere_or_takes_another_method_is_refused(owner: Person) -> None:
    refused = [
        owner.put("/api/v1/usage").status_code,
        owner.delete("/api/v1/organization").status_code,
        owner.get("/api/v1/nowhere").status_code,
        owner.get("/api/v1/").status_code,
        owner.get("/nowhere/at/all").status_code,
    ]

    assert refused == [405, 405, 404, 404, 404]


def test_route_that_is_added_later_is_found(app: FastAPI) -> None:
    async def tell(_request: Request) -> Response:
        return PlainTextResponse("here")

    app.router.routes.append(Route("/later", tell))

    assert TestClient(app).get("/later").text == "here"

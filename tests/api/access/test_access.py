"""Every operation against every kind of credentials; one that is not in the table fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.access.scopes import Principal
from api.app import create_app
from api.context import AppContext
from billing.errors import Forbidden
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.credentials import REACH, Operation, least_credentials
from tests.api.people import Clock, Person

ORIGIN_OF_NOTHING = str(uuid4())
OF_SESSIONS = {("POST", "/api/v1/auth/refresh"), ("POST", "/api/v1/auth/logout")}
"""Operations on the session itself, which would end here: the tests of sessions have them."""


@pytest.fixture(scope="module")
def shared(module_database_url: str, security: Security) -> Iterator[AppContext]:
    """One organization for all: nothing here gets far enough to change anything."""
    engine = create_application_engine(module_database_url, pool_size=4)
    yield AppContext(transactions=Transactions(engine), security=security, now=Clock())
    engine.dispose()


@pytest.fixture(scope="module")
def shared_app(shared: AppContext) -> FastAPI:
    return create_app(shared)


@pytest.fixture(scope="module")
def head(shared_app: FastAPI) -> Person:
    """The owner of the organization."""
    return Person(shared_app).sign_up()


@pytest.fixture(scope="module")
def keys(head: Person) -> dict[str, str]:
    """A key for each scope alone."""
    return {
        kind: head.make_key(kind.removeprefix("key ")) for kind in REACH if kind.startswith("key ")
    }


def credentials(kind: str, keys: dict[str, str], head: Person) -> dict[str, str]:
    if kind == "nobody":
        return {}
    if kind in keys:
        return {"X-API-Key": keys[kind]}
    return {"Authorization": f"Bearer {head.cookies['access_token']}"}


def take_role(shared: AppContext, head: Person, role: str) -> None:
    organization_id = UUID(head.get("/api/v1/organization").json()["id"])
    with shared.transactions.for_organization(organization_id) as session:
        session.execute(text("UPDATE app_user SET role = :role"), {"role": role})
        user_id = session.execute(text("SELECT id FROM app_user")).scalar_one()
    shared.key_cache.forget(user_id)


def call(app: FastAPI, operation: Operation, headers: dict[str, str]) -> int:
    method, path = operation
    address = re.sub(r"\{\w+\}", ORIGIN_OF_NOTHING, path.replace("{period_index}", "0"))
    body: dict[str, str] | None = {} if method in {"POST", "PUT", "PATCH"} else None
    return Person(app).request(method, address, headers=headers, json=body).status_code


def test_every_operation_is_in_the_table_and_no_other(shared_app: FastAPI) -> None:
    documented = {
        (method.upper(), path)
        for path, operations in shared_app.openapi()["paths"].items()
        for method in operations
    }

    assert documented == set(least_credentials())


@pytest.mark.parametrize("kind", REACH)
def test_credentials_reach_what_the_table_says_and_nothing_else(
    shared: AppContext, shared_app: FastAPI, head: Person, keys: dict[str, str], kind: str
) -> None:
    if kind in {"read_only", "developer", "billing", "admin", "owner"}:
        take_role(shared, head, kind)
    headers = credentials(kind, keys, head)
    wrong = {}

    for operation, least in least_credentials().items():
        if operation in OF_SESSIONS:
            continue
        status = call(shared_app, operation, headers)
        refused = 401 if kind == "nobody" else 403
        if (status == refused) == (least in REACH[kind]) or status >= 500:
            wrong[operation] = (least, status)

    assert wrong == {}


@pytest.mark.parametrize("scope", ["billing.read", "usage.read", "billing.write", "usage.write"])
def test_unknown_role_reaches_nothing(scope: str) -> None:
    stranger = Principal(organization_id=uuid4(), user_id=uuid4(), role="intern")

    with pytest.raises(Forbidden):
        stranger.require_scope(scope)
    with pytest.raises(Forbidden):
        stranger.require_manager()

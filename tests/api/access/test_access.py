"""Every operation against every kind of credentials; one that is not in the table fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI

from api.access.principal import Principal
from api.app import create_app
from api.context import AppContext
from api.document.operations import operations
from api.document.roles import write_roles
from billing.errors import Forbidden
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.credentials import REACH, ROLES, Operation, least_credentials
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.api.shared_document import shared_document
from tests.architecture.sources import ROOT

ORIGIN_OF_NOTHING = str(uuid4())
OF_SESSIONS = {("POST", "/api/v1/auth/refresh"), ("POST", "/api/v1/auth/logout")}
"""Operations on the session itself, which would end here: the tests of sessions have them."""


@pytest.fixture(scope="module")
def shared(module_database_url: str, security: Security) -> Iterator[AppContext]:
    """One organization for all: nothing here gets far enough to change anything."""
    engine = create_application_engine(module_database_url, pool_size=4)
    yield AppContext(
        transactions=Transactions(engine),
        security=security,
        now=Clock(),
        transaction_seconds=PATIENT_SECONDS,
    )
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


@pytest.fixture(scope="module")
def members(head: Person) -> dict[str, Person]:
    """A member in each role."""
    return {role: head if role == "owner" else head.invite(role) for role in ROLES}


def credentials(kind: str, keys: dict[str, str], members: dict[str, Person]) -> dict[str, str]:
    if kind == "nobody":
        return {}
    if kind in keys:
        return {"X-API-Key": keys[kind]}
    return {"Authorization": f"Bearer {members[kind].cookies['access_token']}"}


def call(app: FastAPI, operation: Operation, headers: dict[str, str]) -> int:
    method, path = operation
    address = re.sub(
        r"\{\w+\}", ORIGIN_OF_NOTHING, path.replace("{period_index}", "0").replace("{version}", "1")
    )
    body: dict[str, str] | None = {} if method in {"POST", "PUT", "PATCH"} else None
    return Person(app).request(method, address, headers=headers, json=body).status_code


def test_every_operation_is_in_the_table_and_no_other() -> None:
    documented = {
        (method.upper(), path)
        for path, operations in shared_document()["paths"].items()
        for method in operations
    }

    assert documented == set(least_credentials())


@pytest.mark.parametrize("kind", REACH)
def test_credentials_reach_what_the_table_says_and_nothing_else(
    shared_app: FastAPI, members: dict[str, Person], keys: dict[str, str], kind: str
) -> None:
    headers = credentials(kind, keys, members)
    wrong = {}

    for operation, least in least_credentials().items():
        if operation in OF_SESSIONS:
            continue
        status = call(shared_app, operation, headers)
        refused = 401 if kind == "nobody" else 403
        if (status == refused) == (least in REACH[kind]) or status >= 500:
            wrong[operation] = (least, status)

    assert wrong == {}


def test_document_and_reference_show_the_same_matrix_as_the_table() -> None:
    documented = {
        (method.upper(), path): operation.get("x-roles")
        for path, method, operation in operations(shared_document())
    }
    expected = {
        operation: None if least == "anybody" else [role for role in ROLES if least in REACH[role]]
        for operation, least in least_credentials().items()
    }

    assert documented == expected
    page = (ROOT / "docs" / "reference" / "roles.md").read_text()
    assert page == write_roles(shared_document()), "`make reference` writes it again"


@pytest.mark.parametrize("scope", ["billing.read", "usage.read", "billing.write", "usage.write"])
def test_unknown_role_reaches_nothing(scope: str) -> None:
    stranger = Principal(organization_id=uuid4(), user_id=uuid4(), role="intern")

    with pytest.raises(Forbidden):
        stranger.require_scope(scope)
    with pytest.raises(Forbidden):
        stranger.require_manager()

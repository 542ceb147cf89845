"""Every field of every catalogue route, given what it cannot take: 422 by name, nothing stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.catalogue_corpus import FORMS, Form
from tests.api.people import PATIENT_SECONDS, Clock, Person

TABLES = (
    "audit_entry",
    "charge",
    "customer",
    "feature",
    "meter",
    "plan",
    "plan_feature",
    "plan_version",
    "tax_rate",
)
COUNTS = text(
    " UNION ALL ".join(f"SELECT '{one}' AS name, count(*) AS number FROM {one}" for one in TABLES)
)
FIELDS = [(name, field) for name, form in FORMS.items() for field in form.refused]


@dataclass(frozen=True, slots=True)
class Shop:
    """An organization with one of everything."""

    owner: Person
    transactions: Transactions
    ids: dict[str, str]

    def send(self, form: Form, body: Any) -> Any:
        """The answer to a body, whose placeholders name what exists."""
        content = json.dumps(body)
        for name, identifier in self.ids.items():
            content = content.replace(f"{{{name}}}", identifier)
        return self.owner.request(
            form.method,
            "/api/v1" + form.path.format(**self.ids),
            content=content,
            headers={"Content-Type": "application/json"},
        )

    def count(self) -> dict[str, int]:
        """How many rows the organization has."""
        organization_id = self.ids["organization"]
        with self.transactions.for_organization(organization_id) as session:  # type: ignore[arg-type]  # what a test says by name
            return {row.name: row.number for row in session.execute(COUNTS)}


@pytest.fixture(scope="module")
def shop(module_database_url: str, security: Security) -> Iterator[Shop]:
    engine = create_application_engine(module_database_url)
    transactions = Transactions(engine)
    context = AppContext(
        transactions=transactions,
        security=security,
        now=Clock(),
        transaction_seconds=PATIENT_SECONDS,
    )
    owner = Person(create_app(context)).sign_up()

    def create(path: str, body: dict[str, Any]) -> str:
        answer = owner.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    meter = create("/meters", {"meter_name": "calls", "aggregation_type": "SUM"})
    feature = create(
        "/features", {"name": "Calls", "lookup_key": "calls", "type": "meter", "meter_id": meter}
    )
    other = create("/features", {"name": "SSO", "lookup_key": "sso", "type": "switch"})
    plan = create("/plans", {**FORMS["plan"].body, "lookup_id": "payg"})
    charge = create(f"/plans/{plan}/charges", {"type": "USAGE", "meter_id": meter, "unit_price": 1})
    granted = create(f"/plans/{plan}/features", {"feature_id": feature, "is_enabled": True})
    yield Shop(
        owner,
        transactions,
        {
            "organization": str(owner.get("/api/v1/organization").json()["id"]),
            "meter": meter,
            "feature": other,
            "plan": plan,
            "charge": charge,
            "granted": granted,
            "customer": create("/customers", {"name": "Harbor", "email": "ap@harbor.test"}),
        },
    )
    engine.dispose()


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[" ".join(one) for one in FIELDS])
def test_what_a_field_cannot_take_is_refused_by_its_name(shop: Shop, name: str, field: str) -> None:
    form, before = FORMS[name], shop.count()

    for value in form.refused[field]:
        answer = shop.send(form, {**form.body, field: value})

        assert answer.status_code == 422, (value, answer.text)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert isinstance(problem["detail"], str)
        assert problem["detail"]
        if value != "a\x00b" and "\x00" not in str(value):
            assert problem["errors"][0]["field"].split(".")[0] == field, (value, problem)
    assert shop.count() == before


@pytest.mark.parametrize("name", FORMS)
def test_missing_and_unknown_fields_are_refused_by_name(shop: Shop, name: str) -> None:
    form, before = FORMS[name], shop.count()
    partial = [{k: v for k, v in form.body.items() if k != field} for field in form.body]
    optional = {("charge", "unit_price")}

    for field, body in zip(form.body, partial, strict=True):
        if (name, field) not in optional:
            answer = shop.send(form, body)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    for field in ("id", "organization_id", "status_", "version", "created_at", "__proto__"):
        answer = shop.send(form, {**form.body, field: str(uuid4())})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)

    assert shop.count() == before


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("body", [None, [], "x", 5, True, [{}]])
def test_body_that_is_no_object_is_refused(shop: Shop, name: str, body: Any) -> None:
    before = shop.count()

    answer = shop.send(FORMS[name], body)

    assert answer.status_code == 422
    assert shop.count() == before


@pytest.mark.parametrize("name", FORMS)
def test_valid_bodies_of_this_corpus_are_taken(shop: Shop, name: str) -> None:
    form = FORMS[name]

    answer = shop.send(form, form.body)

    assert answer.status_code in {200, 201}, answer.text

"""What goes is announced: by the document, and by every answer of an operation that is deprecated.

As docs/reference/versions.md promises.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from api.app import create_app
from api.context import AppContext
from api.document.operations import Document
from api.transport import envelope
from api.transport.deprecations import (
    Deprecation,
    describe_deprecation,
    parse_deprecations,
    read_deprecations,
)
from tests.api.people import Person
from tests.api.sold import V1, post

TABLE = """
["GET /api/v1/customers/{customer_id}"]
since = 2027-01-15
gone = 2028-01-15
instead = "Ask the list."
"""
SINCE, GONE = "@1799971200", "Sat, 15 Jan 2028 00:00:00 GMT"


@pytest.fixture
def deprecations(monkeypatch: pytest.MonkeyPatch) -> Mapping[tuple[str, str], Deprecation]:
    """One operation is deprecated."""
    found = parse_deprecations(TABLE)
    monkeypatch.setattr(envelope, "read_deprecations", lambda: found)
    return found


def test_every_answer_says_since_when_and_until_when(
    context: AppContext, deprecations: Mapping[tuple[str, str], Deprecation]
) -> None:
    owner = Person(create_app(context)).sign_up()
    body = {"name": "Harbor Labs", "email": "ap@harbor.test", "external_id": "acct_77"}
    customer = post(owner, "/customers", body)

    answers = [owner.get(f"{V1}/customers/{place}") for place in (customer["id"], "acct_77", "x")]
    answers += [
        owner.head(f"{V1}/customers/acct_77"),
        owner.get(f"{V1}/customers/acct_77", headers={"X-API-Key": "sk_live_nobody"}),
    ]
    others = [owner.get(f"{V1}/customers"), owner.get(f"{V1}/customers/acct_77/invoices")]

    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 401]
    assert {(one.headers["Deprecation"], one.headers["Sunset"]) for one in answers} == {
        (SINCE, GONE)
    }
    assert [one.headers.get("Deprecation") for one in others] == [None, None]


def test_the_document_says_it_with_what_to_use_instead(
    deprecations: Mapping[tuple[str, str], Deprecation],
) -> None:
    goes: Document = {"description": "Show a customer."}
    stays: Document = {"description": "List customers."}

    describe_deprecation(goes, deprecations.get(("GET", "/api/v1/customers/{customer_id}")))
    describe_deprecation(stays, None)

    assert goes["deprecated"] is True
    assert goes["description"] == (
        "Show a customer.\n\nDeprecated since 2027-01-15; it may be gone from 2028-01-15 on."
        " Ask the list."
    )
    assert stays == {"description": "List customers."}


def test_a_year_lies_between_at_least() -> None:
    with pytest.raises(ValueError, match="365 days lie between"):
        parse_deprecations(TABLE.replace("2028-01-15", "2028-01-14"))


def test_what_is_deprecated_is_an_operation_of_the_product(owner: Person) -> None:
    paths = owner.get("/openapi.json").json()["paths"]

    assert [
        f"{method} {template}"
        for method, template in read_deprecations()
        if method.lower() not in paths.get(template, {})
    ] == []

"""Lists show what the rows say, byte for byte, in any part and under any filter."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlmodel import Session, col, select

from api.context import AppContext
from api.routers.invoicing.invoices import view_invoices
from api.routers.subscriptions.subscriptions import view_all
from api.schemas.catalog.plans import view_plan_summary
from api.schemas.customers import view_customer
from api.transport.exact_json import dump_json
from api.transport.pagination import Page, envelope
from models.catalog.plans import Plan
from models.customers import Customer
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from tests.api.people import Person
from tests.api.sold import V1, Sold, add_plan, post, sell

QUESTIONS = 60
NAMES = ("Harbor 50% Labs", "ünder_score", "HARBOR\\Pier", "İstanbul", "quay'side", "")
SEARCHES = ("harbor", "%", "_", "\\", "ÜNDER", "'", "i", "  ", "acct_1", "nobody")


def fill(owner: Person) -> Sold:
    """Customers, plans, subscriptions and invoices, some deleted, some in states of their own."""
    sold = sell(owner)
    post(owner, f"/plans/{sold.plan['id']}/charges", {"type": "FIXED", "unit_price": "9.99"})
    plans = [add_plan(owner, f"plan-{n}", is_active=n != 1) for n in range(3)]
    for number, name in enumerate(NAMES):
        body = {"name": name or "N", "email": f"A{number}@Quay.test"}
        customer = post(owner, "/customers", body | {"external_id": f"acct_1{number}"})
        subscription = sold.subscribe("2026-01-15T00:00:00Z", customer_id=customer["id"])
        if number % 2:
            sold.subscribe(customer_id=customer["id"], plan_id=plans[0]["id"])
            post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
        if number == 3:
            post(owner, f"/subscriptions/{subscription['id']}/cancel", {})
            post(
                owner,
                f"/subscriptions/{subscription['id']}/cancel",
                {"cancel_at_period_end": False},
            )
    address = {"billing_address_country": "GB"}
    assert owner.patch(f"{V1}/customers/{sold.customer['id']}", json=address).status_code == 200
    items = [{"description": "Work", "quantity": "2.50", "unit_amount": "0.333333333333333333"}] * 2
    manual = {"customer_id": sold.customer["id"], "currency": "USD", "line_items": items}
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": "20.0"})
    for number in range(3):
        made = post(owner, "/invoices", manual | {"due_date": "2026-04-01T00:00:00.5Z"})
        if number:
            post(owner, f"/invoices/{made['id']}/finalize", {})
    for path in (f"/plans/{plans[2]['id']}", f"/customers/{customer['id']}"):
        assert owner.delete(V1 + path).status_code == 204
    return sold


def matching(rows: Sequence[Any], **filters: Any) -> list[Any]:
    return [
        row
        for row in rows
        if all(value is None or getattr(row, name) == value for name, value in filters.items())
    ]


class Expected:
    """The lists, out of all rows of the organization."""

    def __init__(self, session: Session, organization_id: UUID) -> None:
        self.session = session
        self.organization_id = organization_id

    def rows(self, model: Any, **filters: Any) -> list[Any]:
        found = self.session.exec(
            select(model)
            .where(model.organization_id == self.organization_id)
            .order_by(col(model.created_at), col(model.id))
        ).all()
        shown = [row for row in found if getattr(row, "deleted_at", None) is None]
        return matching(shown, **filters)

    def customers(self, q: str | None = None) -> list[Any]:
        search = (q or "").strip().lower()
        return [
            view_customer(row)
            for row in self.rows(Customer)
            if any(
                search in (text or "").lower() for text in (row.name, row.email, row.external_id)
            )
        ]

    def plans(self, type: str | None = None, is_active: str | None = None) -> list[Any]:
        active = None if is_active is None else is_active == "true"
        return [view_plan_summary(row) for row in self.rows(Plan, type=type, is_active=active)]

    def subscriptions(self, customer_id: str | None = None, status: str | None = None) -> list[Any]:
        found = self.rows(
            Subscription, customer_id=customer_id and UUID(customer_id), status=status
        )
        return list(view_all(self.session, self.organization_id, found))

    def invoices(
        self,
        customer_id: str | None = None,
        subscription_id: str | None = None,
        status: str | None = None,
    ) -> list[Any]:
        found = self.rows(
            Invoice,
            customer_id=customer_id and UUID(customer_id),
            subscription_id=subscription_id and UUID(subscription_id),
            status=status,
        )
        return list(view_invoices(self.session, self.organization_id, found))


def questions(owner: Person, numbers: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Filters of each list in turn, each given or not."""
    customers = [one["id"] for one in owner.get(f"{V1}/customers?page_size=100").json()["data"]]
    found = owner.get(f"{V1}/subscriptions?page_size=100").json()["data"]
    subscriptions = [one["id"] for one in found]
    statuses = ("DRAFT", "OPEN", "PAID", "VOID")

    def maybe(choices: Sequence[str]) -> str | None:
        return numbers.choice([None, numbers.choice(choices)])

    while True:
        yield "customers", {"q": maybe(SEARCHES)}
        yield "plans", {"type": maybe(("HYBRID", "USAGE")), "is_active": maybe(("true", "false"))}
        yield (
            "subscriptions",
            {
                "customer_id": maybe(customers),
                "status": maybe(("ACTIVE", "CANCELED")),
            },
        )
        yield (
            "invoices",
            {
                "customer_id": maybe(customers),
                "subscription_id": maybe(subscriptions),
                "status": maybe(statuses),
            },
        )


def test_any_part_of_any_list_is_that_of_the_rows(owner: Person, context: AppContext) -> None:
    fill(owner)
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    numbers = random.Random(17)
    with context.transactions.for_organization(organization_id) as session:
        expected = Expected(session, organization_id)
        asked = questions(owner, numbers)
        for _ in range(QUESTIONS):
            name, filters = next(asked)
            page = Page(number=numbers.randint(1, 3), size=numbers.choice([1, 2, 5, 20]))
            views = getattr(expected, name)(**filters)
            part = views[page.offset : page.offset + page.size]
            given = {key: value for key, value in filters.items() if value is not None}

            answer = owner.get(
                f"{V1}/{name}", params={**given, "page": page.number, "page_size": page.size}
            )

            assert answer.status_code == 200, (name, filters, answer.text)
            assert answer.content == dump_json(envelope(part, page, len(views))), (name, filters)


@pytest.mark.parametrize("name", ["subscriptions", "invoices"])
def test_filter_by_nobody_is_not_found_and_by_somebody_without_any_is_empty(
    owner: Person, name: str
) -> None:
    sold = sell(owner)

    unknown = owner.get(f"{V1}/{name}?customer_id={uuid4()}")
    known = owner.get(f"{V1}/{name}?customer_id={sold.customer['id']}")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "customer_not_found")
    assert (known.status_code, known.json()["meta"]["total"]) == (200, 0)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("page=0", "page"),
        ("page_size=101", "page_size"),
        ("status=closed", "status"),
        ("customer_id=acct_77", "customer_id"),
        ("sort=name", "sort"),
        ("page=1&page=2", "page"),
    ],
)
def test_query_that_is_wrong_is_told_by_its_name(owner: Person, query: str, place: str) -> None:
    answer = owner.get(f"{V1}/invoices?{query}")

    assert answer.status_code == 422
    assert place in answer.text


def test_lists_are_read_with_credentials_that_may(app: FastAPI, owner: Person) -> None:
    key = owner.make_key("usage.write")

    assert Person(app).get(f"{V1}/plans").status_code == 401
    assert Person(app).get(f"{V1}/plans", headers={"X-API-Key": key}).status_code == 403

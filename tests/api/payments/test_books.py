"""A customer's account, what is due for how long, and why payments failed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.context import AppContext
from billing.payments.gateways import GatewayPayment, GatewayStatus, Provider
from models.payments.connections import Connection
from services.documents.locks import lock_invoice
from services.payments.told import record_told
from tests.api.payments.paying import issue, pay
from tests.api.people import PASSWORD, Clock, Person
from tests.api.sold import V1, post


def account_of(owner: Person, customer: dict[str, Any], **query: Any) -> dict[str, Any]:
    answer = owner.get(f"{V1}/customers/{customer['id']}/account", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_account_shows_balances_and_each_posting_with_its_other_side(
    owner: Person, customer: dict[str, Any], invoice: dict[str, Any]
) -> None:
    payment = pay(owner, invoice, 120, surplus="credit")
    lost = issue(owner, customer, 50)
    owner.patch(f"{V1}/invoices/{lost['id']}/status", json={"status": "UNCOLLECTIBLE"})
    post(owner, f"/payments/{payment['id']}/refund", {"amount": 10})

    shown = account_of(owner, customer)

    assert shown["accounts"] == [
        {"currency": "USD", "balance": 0, "receivable": 10, "written_off": 30, "owed": 0}
    ]
    names = ("sequence", "kind", "amount", "balance", "other_side")
    assert [tuple(one[name] for name in names) for one in shown["data"]] == [
        (7, "refunded", -10, 0, "Assets:Cash:ByHand"),
        (6, "unapplied", 10, 10, "Assets:Receivable"),
        (5, "applied", -30, 0, "Assets:Receivable"),
        (4, "written_off", 30, 30, "Expenses:BadDebt"),
        (3, "granted", -20, 0, "Assets:Receivable"),
        (2, "applied", -100, 20, "Assets:Receivable"),
        (1, "paid", 120, 120, "Assets:Cash:ByHand"),
    ]
    first = shown["data"][-1]
    assert first["at"] == "2026-03-02T08:00:00Z"
    assert (first["invoice_number"], first["payment_id"]) == (
        invoice["invoice_number"],
        payment["id"],
    )
    assert shown["meta"] == {"page_size": 20, "next_cursor": None}


def test_account_is_read_in_parts_by_currency(owner: Person, customer: dict[str, Any]) -> None:
    for code in ("EUR", "USD"):
        pay(owner, issue(owner, customer, 10, currency=code), 10)
    whole = account_of(owner, customer)["data"]

    parts: list[Any] = []
    query: dict[str, Any] = {"page_size": 3}
    while len(parts) < 5:
        part = account_of(owner, customer, **query)
        parts += part["data"]
        if part["meta"]["next_cursor"] is None:
            break
        query["cursor"] = part["meta"]["next_cursor"]

    assert parts == whole
    assert [(one["currency"], one["sequence"]) for one in whole] == [
        *(("EUR", 2), ("EUR", 1), ("USD", 2), ("USD", 1))
    ]


def test_account_of_one_currency_has_its_balance_and_postings_alone_in_every_part(
    owner: Person, customer: dict[str, Any]
) -> None:
    pay(owner, issue(owner, customer), 120, surplus="credit")
    pay(owner, issue(owner, customer, 80, currency="EUR"), 10)

    whole = account_of(owner, customer)
    first = account_of(owner, customer, currency="usd", page_size=1)
    rest = account_of(owner, customer, currency="usd", cursor=first["meta"]["next_cursor"])

    assert first["accounts"] == rest["accounts"] == whole["accounts"][1:]
    dollars = [one for one in whole["data"] if one["currency"] == "USD"]
    assert [*first["data"], *rest["data"]] == dollars
    assert dollars[0]["balance"] == first["accounts"][0]["balance"]
    assert account_of(owner, customer, currency="GBP") == {
        "accounts": [],
        "data": [],
        "meta": {"page_size": 20, "next_cursor": None},
    }


def test_account_of_nobody_and_by_a_cursor_of_nothing(
    owner: Person, customer: dict[str, Any]
) -> None:
    missing = owner.get(f"{V1}/customers/{uuid4()}/account")
    wrong = owner.get(f"{V1}/customers/{customer['id']}/account", params={"cursor": "bm8"})

    assert (missing.status_code, missing.json()["code"]) == (404, "customer_not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_cursor")
    assert account_of(owner, customer)["accounts"] == []


def test_account_is_found_by_the_customers_name(owner: Person) -> None:
    body = {"name": "Harbor", "email": "a@harbor.test", "billing_address_country": "GB"}
    named = post(owner, "/customers", body | {"external_id": "harbor/1"})
    pay(owner, issue(owner, named), 100)

    shown = owner.get(f"{V1}/customers/harbor%2F1/account")

    assert shown.json() == account_of(owner, named)


def test_receivables_are_counted_by_their_age(
    owner: Person, customer: dict[str, Any], clock: Clock
) -> None:
    quay = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "GB"}
    other = post(owner, "/customers", quay)
    issue(owner, customer, 5)
    paid = issue(owner, other, 1000)
    post(owner, f"/payments/{pay(owner, paid, 1000)['id']}/refund", {"amount": 7})
    lost = issue(owner, customer, 90)
    owner.patch(f"{V1}/invoices/{lost['id']}/status", json={"status": "UNCOLLECTIBLE"})
    owner.headers["X-API-Key"] = owner.make_key("billing.read")
    owner.cookies.clear()
    seen = {}

    for days in (0, 30, 31, 60, 61, 121, 122):
        clock.instant = datetime(2026, 3, 2, 12, tzinfo=UTC)
        clock.advance(days=days)
        answer = owner.get(f"{V1}/reports/receivables")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        [total] = shown["totals"]
        seen[days] = [name for name, value in total.items() if value == 12 and name != "total"]
        assert (total["total"], total["invoices"]) == (12, 2)

    # Both were due on the first of April, at midnight.
    assert seen == {
        0: ["current"],
        30: ["current"],
        31: ["days_1_to_30"],
        60: ["days_1_to_30"],
        61: ["days_31_to_60"],
        121: ["days_over_90"],
        122: ["days_over_90"],
    }
    assert [(one["name"], one["total"]) for one in shown["data"]] == [("Quay", 7), ("Harbor", 5)]
    assert shown["meta"] == {"page": 1, "page_size": 20, "total": 2, "total_pages": 1}
    second = owner.get(f"{V1}/reports/receivables", params={"page": 2, "page_size": 1}).json()
    assert [one["name"] for one in second["data"]] == ["Harbor"]
    assert second["totals"] == shown["totals"]


@pytest.fixture
def connection_id(owner: Person, context: AppContext) -> UUID:
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with context.transactions.for_organization(organization_id) as session:
        connection = Connection(
            organization_id=organization_id,
            provider=Provider.SANDBOX,
            name="Sandbox",
            created_at=context.now(),
            deleted_at=context.now(),
        )
        session.add(connection)
        return connection.id


def test_failed_payments_are_counted_by_reason(
    owner: Person,
    context: AppContext,
    customer: dict[str, Any],
    invoice: dict[str, Any],
    connection_id: UUID,
) -> None:
    organization_id = UUID(customer["organization_id"])
    with context.transactions.for_organization(organization_id) as session:
        locked, _ = lock_invoice(session, organization_id, UUID(invoice["id"]))
        for number, code in enumerate(("expired_card", "insufficient_funds", "expired_card")):
            told = GatewayPayment(
                references=(f"pay_{number}",),
                status=GatewayStatus.FAILED,
                amount=Decimal(10 + number),
                currency="USD",
                at=context.now(),
                error_code=code,
                error="No.",
            )
            record_told(session, locked, connection_id, told, now=context.now())

    found = owner.get(f"{V1}/reports/failed-payments").json()["data"]

    assert [(one["error_code"], one["payments"], one["amount"]) for one in found] == [
        ("expired_card", 2, 22),
        ("insufficient_funds", 1, 11),
    ]
    later = owner.get(f"{V1}/reports/failed-payments", params={"from": "2026-03-03"})
    assert later.json()["data"] == []


def test_money_in_and_out_is_summed_by_day_and_currency(
    owner: Person, customer: dict[str, Any], clock: Clock
) -> None:
    first, voided, second = (issue(owner, customer, amount) for amount in (10, 99, 5))
    owner.patch(f"{V1}/invoices/{voided['id']}/status", json={"status": "VOID"})
    owner.post(f"{V1}/invoices/{first['id']}/payments", json={"amount": 4, "method": "cash"})
    line = owner.get(f"{V1}/invoices/{second['id']}").json()["line_items"][0]["id"]
    note = {"reason": "Broken", "lines": [{"line_id": line, "amount": 2}]}
    owner.post(f"{V1}/invoices/{second['id']}/credit-notes", json=note)
    clock.advance(days=31)
    owner.post(f"{V1}/auth/login", json={"email": owner.email, "password": PASSWORD})
    owner.post(f"{V1}/invoices/{first['id']}/payments", json={"amount": 6, "method": "cash"})

    def turnover(**days: str) -> list[tuple[str, int, object, object, object, object]]:
        found = owner.get(f"{V1}/reports/turnover", params=days).json()["data"]
        names = ("invoices", "invoiced", "credited", "paid", "refunded")
        return [(one["currency"], *(one[name] for name in names)) for one in found]

    assert turnover() == [("USD", 0, 0, 0, 6, 0)]
    assert turnover(**{"from": "2026-03-01", "to": "2026-03-31"}) == [("USD", 2, 15, 2, 4, 0)]
    assert turnover(**{"from": "2026-03-03", "to": "2026-03-31"}) == []
    assert turnover(**{"from": "2026-03-01", "to": "2026-12-31"}) == [("USD", 2, 15, 2, 10, 0)]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [("2026-03-02", "2026-03-01", "empty_span"), ("2025-03-01", "2026-03-02", "span_too_long")],
)
def test_money_is_summed_over_a_year_at_most(
    owner: Person, first: str, last: str, code: str
) -> None:
    answer = owner.get(f"{V1}/reports/turnover", params={"from": first, "to": last})

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_what_is_scheduled_is_listed_by_instant(
    owner: Person, customer: dict[str, Any], clock: Clock
) -> None:
    owner.patch(f"{V1}/organization", json={"reminder_days": [-3], "smtp_host": "mail.test"})
    far, near = (issue(owner, customer, 10, due_date=day) for day in ("2026-05-01", "2026-04-01"))
    pay(owner, near, 4)
    path = f"{V1}/reports/scheduled-payments"

    part = owner.get(path, params={"page_size": 1}).json()
    rest = owner.get(path, params={"cursor": part["meta"]["next_cursor"]}).json()

    [one], [other] = part["data"], rest["data"]
    assert (one["invoice_id"], one["amount_due"], one["failed_tries"]) == (near["id"], 6, 0)
    assert (other["invoice_number"], other["amount_due"]) == (far["invoice_number"], 10)
    assert one["next"] == {"action": "remind", "due_at": "2026-03-29T00:00:00Z"}
    assert other["next"] == {"action": "remind", "due_at": "2026-04-28T00:00:00Z"}
    assert rest["meta"]["next_cursor"] is None

    clock.advance(minutes=1)
    post(owner, "/connections", {"provider": "sandbox", "name": "Sandbox"})

    # What is open can be charged from now on, and was open since then.
    charged = owner.get(path).json()["data"]
    assert [found["next"]["action"] for found in charged] == ["charge", "charge"]
    assert [found["invoice_id"] for found in charged] == [far["id"], near["id"]]
    assert charged[0]["next"]["due_at"] == "2026-03-02T08:00:00Z"

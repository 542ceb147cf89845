"""What is asked of a life, what happened to it before, and what its customer owes at last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.lifecycle import catching_up
from tests.api.sold import V1
from tests.faults.requests.dying_requests import Life

BEGIN, JANUARY_IS_FINAL, NOW, LATER = (
    datetime(2026, 1, 2, tzinfo=UTC),
    datetime(2026, 2, 5, tzinfo=UTC),
    datetime(2026, 3, 2, 8, tzinfo=UTC),
    datetime(2026, 4, 2, tzinfo=UTC),
)
"""Everybody subscribes on 1 January and asks at ``NOW``; stories are told of ``LATER``."""

Request = tuple[str, str, dict[str, Any]]
Prepare = Callable[[Life], None]
Ask = Callable[[Life], Request]


def nothing(_life: Life) -> None:
    """January and February are missed."""


def is_up_to_date(life: Life) -> None:
    """The workflow was there all the time."""
    life.catch_up()


def is_paused(life: Life) -> None:
    life.post(f"{life.path}/pause")


def ends_with_its_period(life: Life) -> None:
    life.catch_up()
    life.post(f"{life.path}/cancel")


def billed_january_late(life: Life) -> None:
    """February's invoice holds seven calls of January."""
    life.clock.instant = JANUARY_IS_FINAL
    life.catch_up()
    life.use(7, "2026-01-20T00:00:00Z")
    life.clock.instant = NOW
    life.catch_up()


def has_no_first_bill(life: Life) -> None:
    draft_first_periods(life)
    answer = life.person.delete(f"{V1}/invoices/{life.invoice(0)['id']}")
    assert answer.status_code == 204, answer.text


def draft_first_periods(life: Life) -> None:
    """The missed periods have drafts, all made now."""
    life.post(f"{life.path}/generate-invoice")


def has_void_bill(life: Life) -> None:
    billed_january_late(life)
    void(life, 1)


def void(life: Life, index: int) -> None:
    path = f"{V1}/invoices/{life.invoice(index)['id']}/status"
    answer = life.person.patch(path, json={"status": "VOID"})
    assert answer.status_code == 200, answer.text


def has_void_manual_bill(life: Life) -> None:
    line = {"description": "Import", "quantity": 1, "unit_amount": 70}
    written = {
        "customer_id": life.customer["id"],
        "subscription_id": life.subscription["id"],
        "currency": "USD",
        "due_date": "2026-04-01T00:00:00Z",
        "line_items": [line],
    }
    made = life.post("/invoices", written)
    life.post(f"/invoices/{made['id']}/finalize")
    life.person.patch(f"{V1}/invoices/{made['id']}/status", json={"status": "VOID"})
    life.known["manual"] = made["id"]


def is_behind_its_plan(life: Life) -> None:
    fee = {"type": "FIXED", "unit_price": 5, "display_name": "Support"}
    life.post(f"/plans/{life.plan['id']}/charges", fee)


def on_subscription(action: str, **body: Any) -> Ask:
    return lambda life: ("POST", f"{life.path}/{action}", body)


def on_invoice(index: int, action: str, **body: Any) -> Ask:
    return lambda life: ("POST", f"/invoices/{life.invoice(index)['id']}/{action}", body)


def void_invoice(index: int, **body: Any) -> Ask:
    def ask(life: Life) -> Request:
        path = f"/invoices/{life.invoice(index)['id']}/status"
        return "PATCH", path, {"status": "VOID", **body}

    return ask


def change_plan(when: str) -> Ask:
    def ask(life: Life) -> Request:
        body = {"plan_id": life.other_plan["id"], "when": when}
        return "POST", f"{life.path}/change-plan", body

    return ask


def credit(life: Life) -> Request:
    invoice = life.invoice(1)
    line = next(one for one in invoice["line_items"] if one["type"] == "fixed")
    lines = [{"line_id": line["id"], "amount": 10}]
    body = {"reason": "goodwill", "lines": lines}
    return "POST", f"/invoices/{invoice['id']}/credit-notes", body


def reissue_manual(life: Life) -> Request:
    return "POST", f"/invoices/{life.known['manual']}/reissue", {}


def migrate(life: Life) -> Request:
    return "POST", f"/plans/{life.plan['id']}/migrate", {"effective": "running_period"}


def delete_subscription(life: Life) -> Request:
    return "DELETE", life.path, {}


def delete_customer(life: Life) -> Request:
    return "DELETE", f"/customers/{life.customer['id']}", {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is asked of a life, what happened to it before, and what its customer owes at last."""

    name: str
    ask: Ask
    owes: int
    early: Prepare = nothing
    late: Prepare = nothing
    at_once: int = catching_up.AT_ONCE
    """How many missed periods one request closes."""
    version_policy: str = "latest"
    bills_what_is_overdue: bool = False
    """Whether it bills what is overdue when it comes, and cuts the running period if nothing is."""
    deletes: bool = False
    is_rare: bool = False
    """Tried under ``make chaos`` alone: it is much like another."""


ACTIONS = [
    Action(name="cancel now", ask=on_subscription("cancel", cancel_at_period_end=False), owes=75),
    Action(name="cancel at the period's end", ask=on_subscription("cancel"), owes=105),
    Action(name="change plan now", ask=change_plan("now"), owes=135),
    Action(name="change plan at the period's end", ask=change_plan("period_end"), owes=105),
    Action(
        name="generate what is overdue",
        ask=on_subscription("generate-invoice"),
        bills_what_is_overdue=True,
        owes=105,
    ),
    Action(
        name="generate the current part",
        ask=on_subscription("generate-invoice"),
        late=is_up_to_date,
        owes=105,
    ),
    Action(
        name="generate a period whose draft was deleted",
        ask=on_subscription("generate-invoice", period_index=0),
        late=has_no_first_bill,
        owes=105,
        deletes=True,
    ),
    Action(
        name="generate a period whose invoice is void",
        ask=on_subscription("generate-invoice", period_index=1),
        late=has_void_bill,
        owes=112,
    ),
    Action(name="pause", ask=on_subscription("pause"), owes=75),
    Action(
        name="pause until later",
        ask=on_subscription("pause", resume_at="2026-03-20T00:00:00Z"),
        owes=87,
        is_rare=True,
    ),
    Action(name="resume", ask=on_subscription("resume"), early=is_paused, owes=43),
    Action(
        name="reactivate", ask=on_subscription("reactivate"), late=ends_with_its_period, owes=105
    ),
    Action(name="finalize", ask=on_invoice(1, "finalize"), late=draft_first_periods, owes=105),
    Action(name="pay", ask=on_invoice(1, "pay"), late=is_up_to_date, owes=105, is_rare=True),
    Action(name="void", ask=void_invoice(1), late=billed_january_late, owes=81),
    Action(
        name="void for good", ask=void_invoice(1, settle=False), late=billed_january_late, owes=74
    ),
    Action(name="reissue", ask=on_invoice(1, "reissue"), late=has_void_bill, owes=112),
    Action(
        name="reissue what people wrote",
        ask=reissue_manual,
        late=has_void_manual_bill,
        owes=175,
    ),
    Action(name="credit note", ask=credit, late=is_up_to_date, owes=95),
    Action(
        name="migrate",
        ask=migrate,
        early=is_behind_its_plan,
        version_policy="pinned",
        owes=110,
    ),
    Action(name="delete the subscription", ask=delete_subscription, owes=75, is_rare=True),
    Action(name="delete the customer", ask=delete_customer, owes=75),
    Action(
        name="cancel now, with more missed than one request closes",
        ask=on_subscription("cancel", cancel_at_period_end=False),
        at_once=1,
        owes=75,
    ),
    Action(
        name="change plan now, with more missed than one request closes",
        ask=change_plan("now"),
        at_once=1,
        owes=135,
        is_rare=True,
    ),
    Action(
        name="generate, with more missed than one request closes",
        ask=on_subscription("generate-invoice"),
        bills_what_is_overdue=True,
        at_once=1,
        owes=105,
        is_rare=True,
    ),
    Action(
        name="delete the customer, with more missed than one request closes",
        ask=delete_customer,
        at_once=1,
        owes=75,
    ),
]

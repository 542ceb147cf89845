"""A late line says which events changed its period, by what, and by whom."""

from __future__ import annotations

from typing import Any

from tests.scenarios.account import Account
from tests.scenarios.test_late_usage import subscribe


def explain_late(account: Account, invoice: dict[str, Any]) -> Any:
    """What the invoice's one late line says of itself."""
    [line] = [one for one in invoice["line_items"] if one["type"] == "late_usage"]
    return account.get(f"/invoices/{invoice['id']}/lines/{line['id']}/explain")


def told(changes: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Cause, key, and the quantity before and after of each."""
    return [
        (one["cause"], one["idempotency_key"], one["was"], one["quantity"])
        for one in changes["data"]
    ]


def test_late_line_names_what_came_late_was_voided_and_amended(account: Account) -> None:
    clock, subscription = subscribe(account)
    for key, calls in (("kept", 1000), ("wrong", 2000), ("high", 3000)):
        account.track("api_calls", "acct_77", calls, "2025-01-01T00:00:00Z", key)
    account.advance(clock, "2025-02-01T01:00:00Z")
    ids = {one["idempotency_key"]: one["id"] for one in account.get("/usage")["data"]}
    account.post(f"/usage/{ids['wrong']}/void", {})
    account.post(f"/usage/{ids['high']}/amend", {"quantity": 2500})
    account.track("api_calls", "acct_77", 500, "2025-01-31T00:00:00Z", "late")
    account.track("api_calls", "acct_77", 700, "2025-02-01T00:30:00Z", "of february")
    account.advance(clock, "2025-03-01T01:00:00Z")

    january, february = account.invoices(subscription)
    explained = explain_late(account, february)
    changes = explained["changes"]
    usage_line = january["line_items"][0]
    own = account.get(f"/invoices/{january['id']}/lines/{usage_line['id']}/explain")

    assert own["changes"] is None
    assert changes["count"] == 3
    assert told(changes) == [
        ("voided", "wrong", 2000, 0),
        ("amended", "high", 3000, 2500),
        ("late", "late", 0, 500),
    ]
    assert [(one["actor"] or "")[:5] for one in changes["data"]] == ["user:", "user:", ""]
    listed = account.get(changes["url"].removeprefix("/api/v1"))["data"]
    assert {one["idempotency_key"] for one in listed} == {"wrong", "high", "late"}


def test_later_line_names_only_what_came_since_the_one_before(account: Account) -> None:
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-01T01:00:00Z")
    account.track("api_calls", "acct_77", 500, "2025-01-31T00:00:00Z", "first")
    account.advance(clock, "2025-03-01T01:00:00Z")
    account.track("api_calls", "acct_77", 700, "2025-01-30T00:00:00Z", "second")
    account.advance(clock, "2025-04-01T01:00:00Z")

    _, february, march = account.invoices(subscription)

    assert told(explain_late(account, february)["changes"]) == [("late", "first", 0, 500)]
    assert told(explain_late(account, march)["changes"]) == [("late", "second", 0, 700)]


def test_late_invoice_of_its_own_names_its_causes(account: Account) -> None:
    account.patch("/organization", {"late_usage": "credit_note_or_invoice"})
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-01T01:00:00Z")
    account.track("api_calls", "acct_77", 5000, "2025-01-31T00:00:00Z", "first")
    account.advance(clock, "2025-02-02T00:00:00Z")
    account.track("api_calls", "acct_77", 7000, "2025-01-30T00:00:00Z", "second")
    account.advance(clock, "2025-02-03T00:00:00Z")

    late = [one for one in account.invoices(subscription) if one["kind"] == "late_usage"]

    assert [told(explain_late(account, one)["changes"]) for one in late] == [
        [("late", "first", 0, 5000)],
        [("late", "second", 0, 7000)],
    ]


def test_line_after_a_void_alone_is_a_correction(account: Account) -> None:
    clock, subscription = subscribe(account)
    account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z", "wrong")
    account.advance(clock, "2025-02-01T01:00:00Z")
    [event] = account.get("/usage")["data"]
    account.post(f"/usage/{event['id']}/void", {})
    account.advance(clock, "2025-03-01T01:00:00Z")
    account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z", "late")
    account.advance(clock, "2025-04-01T01:00:00Z")

    _, february, march = account.invoices(subscription)

    assert february["line_items"][1]["description"] == "Correction, Jan 1 – Jan 31, 2025"
    assert march["line_items"][1]["description"] == "Late usage, Jan 1 – Jan 31, 2025"

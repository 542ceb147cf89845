"""The screens of one thing each: the overview, a customer, a subscription, an invoice, a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from billing.invoicing.invoices import InvoiceStatus
from billing.notifications.schedule import DeliveryStatus
from billing.payments.kinds import PaymentStatus
from console.workspace.asking import Member, Refused, rows_of
from console.workspace.billing_actions import (
    ADVANCE,
    FINALIZE,
    NEW_CLOCK,
    RECORD_PAYMENT,
    RETRY,
    SKIP,
    VOID,
)
from console.workspace.frame import HOME, Screen
from console.workspace.live.charts import list_usage
from console.workspace.live.undoing import list_offers, offer_undo

NOT_FOUND: Final = 404
PARKED: Final = "needs_attention"
"""The kind of finding that is a bill which waits for somebody."""
FEW: Final = 8
NOTHING: Final = dict.fromkeys(("invoices", "invoiced", "credited", "paid", "refunded"), 0)
NOW: Final = "now"
"""By which an address asks for a check of its own."""


async def show_overview(member: Member) -> Screen:
    """What is open, what comes next, and whether anything needs somebody."""
    receivables, drafts, failed, coverage, events, undelivered, months = await asyncio.gather(
        member.get("/reports/receivables", page_size=1),
        member.get("/invoices", status=InvoiceStatus.DRAFT, page_size=FEW),
        member.get("/payments", status=PaymentStatus.FAILED, page_size=FEW),
        member.get("/audit/coverage", latest=True),
        member.get("/usage", page_size=FEW),
        member.get("/webhook-deliveries", status=DeliveryStatus.FAILED, page_size=1),
        _read_months(member),
    )
    return Screen(
        template="overview.html",
        title="Overview",
        values={
            "receivables": receivables["totals"],
            "drafts": drafts,
            "failed": failed,
            "coverage": coverage,
            "events": rows_of(events),
            "undelivered": undelivered["meta"]["total"],
            "months": months,
            "is_fresh": not (receivables["totals"] or drafts["data"] or events["data"]),
        },
    )


async def _read_months(member: Member) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Money in and out of each currency: its name, this month and the last; nothing is nothing."""
    running = await member.get("/reports/turnover")
    ended_on = date.fromisoformat(running["first_day"]) - timedelta(days=1)
    former = await member.get(
        "/reports/turnover", from_=str(ended_on.replace(day=1)), to=str(ended_on)
    )
    now, then = ({one["currency"]: one for one in month["data"]} for month in (running, former))
    return [
        (currency, now.get(currency, NOTHING), then.get(currency, NOTHING))
        for currency in sorted({*now, *then})
    ]


async def show_customer(member: Member) -> Screen:
    """A customer with what they have, owe and use."""
    customer_id = member.place()
    customer = await member.get(f"/customers/{customer_id}")
    subscriptions, invoices, account, entitlements = await asyncio.gather(
        member.get(f"/customers/{customer['id']}/subscriptions"),
        member.get("/invoices", customer_id=customer["id"], page_size=FEW),
        member.get(f"/customers/{customer['id']}/account", page_size=FEW),
        member.get(f"/customers/{customer['id']}/entitlements"),
    )
    return Screen(
        template="customer.html",
        title=str(customer["name"]),
        values={
            "customer": customer,
            "subscriptions": _rows(subscriptions),
            "invoices": invoices,
            "account": account,
            "entitlements": _rows(entitlements),
        },
    )


async def show_subscription(member: Member) -> Screen:
    """A subscription: what happened, what comes, and what the running period comes to so far."""
    subscription_id = member.place()
    subscription = await member.get(f"/subscriptions/{subscription_id}")
    timeline, invoices, customer, entitlements, preview, series = await asyncio.gather(
        member.get(f"/subscriptions/{subscription_id}/timeline"),
        member.get("/invoices", subscription_id=subscription_id, page_size=FEW),
        member.get(f"/customers/{subscription['customer_id']}"),
        member.get(f"/customers/{subscription['customer_id']}/entitlements"),
        _preview(member, subscription_id),
        list_usage(member, subscription),
    )
    add_ons = await member.get(f"/subscriptions/{subscription_id}/add-ons", page_size=100)
    return Screen(
        template="subscription.html",
        title=f"{customer['name']}: {subscription['plan_name']}",
        values={
            "subscription": subscription,
            "customer": customer,
            "timeline": timeline,
            "invoices": invoices,
            "entitlements": [
                one for one in _rows(entitlements) if one["subscription_id"] == subscription["id"]
            ],
            "add_ons": [one for one in _rows(add_ons) if one["ended_at"] is None],
            "preview": preview,
            "series": series,
            "undone": offer_undo(member, subscription),
            "offers": list_offers(subscription, customer),
        },
    )


async def _preview(member: Member, subscription_id: str) -> Mapping[str, Any] | None:
    """What an invoice would say now; None where no period runs."""
    try:
        found: Mapping[str, Any] = await member.act(
            "POST", f"/subscriptions/{subscription_id}/preview-invoice", {}
        )
    except Refused as refusal:
        if refusal.status == NOT_FOUND:
            raise
        return None
    return found


async def show_invoice(member: Member) -> Screen:
    """An invoice; each line unfolds to its calculation, and that to the very events.

    Of many lines the first few come unfolded, and another one that the address names: a screen
    asks no more of the API than that, however long the invoice is.
    """
    invoice = await member.get(f"/invoices/{member.place()}")
    lines = invoice["line_items"]
    asked = member.request.query_params.get("line")
    unfolded = [one for place, one in enumerate(lines) if place < FEW or one["id"] == asked]
    customer, payments, notes, *explained = await asyncio.gather(
        member.get(f"/customers/{invoice['customer_id']}"),
        member.get(f"/invoices/{invoice['id']}/payments"),
        member.get(f"/invoices/{invoice['id']}/credit-notes"),
        *(explain_line(member, invoice["id"], line["id"]) for line in unfolded),
    )
    by_id = {one["id"]: found for one, found in zip(unfolded, explained, strict=True)}
    return Screen(
        template="invoice.html",
        title=f"Invoice {invoice['invoice_number'] or '(draft)'}",
        values={
            "invoice": invoice,
            "customer": customer,
            "payments": _rows(payments),
            "notes": _rows(notes),
            "lines": [(one, by_id.get(one["id"])) for one in lines],
            "folded": {one["id"] for one in lines} - by_id.keys(),
            "verdict": None,
            "offers": _offers(invoice),
        },
    )


def _offers(invoice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be done with an invoice as it is now."""
    place, number = invoice["id"], str(invoice["invoice_number"])
    match invoice["status"]:
        case InvoiceStatus.DRAFT:
            return [FINALIZE.offer(id=place)]
        case InvoiceStatus.OPEN:
            return [RECORD_PAYMENT.offer(id=place), VOID.offer(id=place, expected=number)]
        case InvoiceStatus.UNCOLLECTIBLE:
            return [RECORD_PAYMENT.offer(id=place)]
    return []


async def verify_invoice(member: Member) -> Screen:
    """The same, computed again from its events just now."""
    verdict = await member.act("POST", f"/invoices/{member.place()}/verify")
    shown = await show_invoice(member)
    return Screen(
        template=shown.template, title=shown.title, values={**shown.values, "verdict": verdict}
    )


async def explain_line(member: Member, invoice_id: str, line_id: str) -> Mapping[str, Any] | None:
    """How a line was computed, and where its events are listed; None of one that people wrote."""
    try:
        explained = await member.get(f"/invoices/{invoice_id}/lines/{line_id}/explain")
    except Refused:
        return None
    events = explained.get("events")
    address = None
    if events and events.get("url"):
        query = dict(parse_qsl(urlsplit(events["url"]).query))
        address = f"{HOME}/events?{urlencode(query)}"
    return {**explained, "address": address, "changed_address": _changed_address(explained)}


def _changed_address(explained: Mapping[str, Any]) -> str | None:
    """Where everything is listed that changed a period after it was billed."""
    changes = explained.get("changes")
    if not changes or not changes["count"]:
        return None
    query = dict(parse_qsl(urlsplit(changes["url"]).query))
    return f"{HOME}/events?{urlencode(query)}"


async def show_plan(member: Member) -> Screen:
    """A plan with its charges, its features, and what each version changed."""
    plan, changes = await asyncio.gather(
        member.get(f"/plans/{member.place()}"),
        member.get(f"/plans/{member.place()}/changes", page_size=FEW),
    )
    versions = [
        {**one, "changes": [_changed(part) for part in one["changes"]]} for one in rows_of(changes)
    ]
    return Screen(
        template="plan.html",
        title=str(plan["name"]),
        values={"plan": plan, "versions": versions},
    )


def _changed(part: Mapping[str, Any]) -> dict[str, Any]:
    """What an edit made of a part of a plan: each term that is another, before and after."""
    before, after = part["before"] or {}, part["after"] or {}
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    terms = [(name, before.get(name), after.get(name)) for name in differing]
    return {**part, "is_new": part["before"] is None, "is_gone": part["after"] is None} | {
        "terms": terms
    }


async def show_operations(member: Member) -> Screen:
    """Whether every period is billed, bills that wait for somebody, and the workers.

    What the last hourly check found, unless the address asks for another now, which takes as long
    as there is much to check.
    """
    is_kept = NOW not in member.request.query_params
    coverage, health = await asyncio.gather(
        member.get("/audit/coverage", latest=is_kept), member.get("/workers/health")
    )
    parked = [
        {
            **one,
            "retry": RETRY.offer(id=one["subscription_id"], period=one["period_index"]),
            "skip": SKIP.offer(id=one["subscription_id"], period=one["period_index"]),
        }
        for one in coverage["findings"]
        if one["kind"] == PARKED and one["period_index"] is not None
    ]
    others = [one for one in coverage["findings"] if one["kind"] != PARKED]
    return Screen(
        template="operations.html",
        title="Operations",
        values={"coverage": coverage, "parked": parked, "others": others, "health": health},
    )


async def show_clocks(member: Member) -> Screen:
    """Test clocks: where each stands, and how to move it on."""
    clocks = await member.get("/test-clocks", page_size=50)
    shown = [{**one, "advance": ADVANCE.offer(id=one["id"])} for one in rows_of(clocks)]
    return Screen(
        template="clocks.html",
        title="Test clocks",
        values={"clocks": shown, "new": NEW_CLOCK.offer()},
    )


def _rows(found: Any) -> Any:  # noqa: ANN401  (JSON)
    """The rows of a list, with or without pages."""
    return found["data"] if isinstance(found, dict) and "data" in found else found

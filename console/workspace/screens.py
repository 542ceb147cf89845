"""The screens of one thing each: a customer, an invoice, a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from billing.invoicing.invoices import InvoiceStatus
from console.workspace.asking import API, Call, Member, Refused, rows_of
from console.workspace.billing_actions import (
    FINALIZE,
    RECORD_PAYMENT,
    RETRY,
    SKIP,
    VOID,
)
from console.workspace.coupons.screen import offers_of
from console.workspace.frame import HOME, Screen
from console.workspace.lists import turn
from console.workspace.pricing.commitments import read_commitments
from console.workspace.sums import list_summands

PARKED: Final = "needs_attention"
"""The kind of finding that is a bill which waits for somebody."""
FEW: Final = 8
UNFOLDED: Final = 2
"""So many lines of an invoice come with how they were computed; that of others is asked for."""
NOW: Final = "now"
"""By which an address asks for a check of its own."""


async def show_customer(member: Member) -> Screen:
    """A customer with what they have, owe and use."""
    customer_id = member.place()
    customer = await member.get(f"/customers/{customer_id}")
    subscriptions, invoices, account, entitlements, coupons = await asyncio.gather(
        turn(member, f"/customers/{customer['id']}/subscriptions", name="subscriptions_page"),
        member.get("/invoices", customer_id=customer["id"], page_size=FEW),
        turn(member, f"/customers/{customer['id']}/account", page_size=FEW, by_cursor=True),
        member.get(f"/customers/{customer['id']}/entitlements"),
        turn(member, f"/customers/{customer['id']}/coupons", name="coupons_page"),
    )
    return Screen(
        template="customer.html",
        title=str(customer["name"]),
        values={
            "customer": customer,
            "subscriptions": subscriptions,
            "invoices": invoices,
            "account": account,
            "entitlements": _rows(entitlements),
            **offers_of(customer["id"], coupons),
        },
    )


async def show_invoice(member: Member) -> Screen:
    """An invoice; each line unfolds to its calculation, and that to the very events.

    Of many lines the first two come unfolded, and another one that the address names: a screen
    asks no more of the API than that, however long the invoice is.
    """
    invoice = await member.get(f"/invoices/{member.place()}")
    lines = invoice["line_items"]
    asked = member.request.query_params.get("line")
    unfolded = [one for place, one in enumerate(lines) if place < UNFOLDED or one["id"] == asked]
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
            "summands": list_summands(invoice),
            "verify": [Call(method="POST", path=f"{API}/invoices/{invoice['id']}/verify")],
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
    """A plan with its charges, commitments and features, and what each version changed."""
    plan, commitments, changes = await asyncio.gather(
        member.get(f"/plans/{member.place()}"),
        read_commitments(member),
        member.get(f"/plans/{member.place()}/changes", page_size=FEW),
    )
    versions = [
        {**one, "changes": [_changed(part) for part in one["changes"]]} for one in rows_of(changes)
    ]
    return Screen(
        template="plan.html",
        title=str(plan["name"]),
        values={"plan": plan, "versions": versions, **commitments},
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
            "skip": SKIP.offer(
                id=one["subscription_id"],
                period=one["period_index"],
                expected=f"period {one['period_index']}",
            ),
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


def _rows(found: Any) -> Any:  # noqa: ANN401  (JSON)
    """The rows of a list, with or without pages."""
    return found["data"] if isinstance(found, dict) and "data" in found else found

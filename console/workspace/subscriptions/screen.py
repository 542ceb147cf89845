"""A subscription: what happened and what comes at once, what is rated as parts that follow."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from console.workspace.asking import Member, Refused, rows_of
from console.workspace.frame import Screen
from console.workspace.lists import turn
from console.workspace.live.charts import list_usage
from console.workspace.live.undoing import list_offers, offer_undo
from console.workspace.parts import Part, read_parts
from console.workspace.subscriptions.terms import SUBSCRIPTION, offer_terms
from console.workspace.sums import list_summands_of_total

NOT_FOUND: Final = 404
FEW: Final = 8
MANY: Final = 100
"""Add-ons of a page, those that ended included."""


async def show_subscription(member: Member) -> Screen:
    """A subscription: what happened, what comes, and what it may use.

    What its running period comes to so far is rated for it, and follows.
    """
    place = member.place()
    subscription = await member.get(f"/subscriptions/{place}")
    whose = f"/customers/{subscription['customer_id']}"
    timeline, invoices, customer, entitlements, add_ons, parts = await asyncio.gather(
        member.get(f"/subscriptions/{place}/timeline"),
        member.get("/invoices", subscription_id=place, page_size=FEW),
        member.get(whose),
        member.get(f"{whose}/entitlements"),
        turn(member, f"/subscriptions/{place}/add-ons", page_size=MANY),
        read_parts(member, *PARTS),
    )
    return Screen(
        template="subscription.html",
        title=f"{customer['name']}: {subscription['plan_name']}",
        values={
            "subscription": subscription,
            "customer": customer,
            "timeline": timeline,
            "invoices": invoices,
            "entitlements": [
                one for one in rows_of(entitlements) if one["subscription_id"] == subscription["id"]
            ],
            "add_on_pages": add_ons,
            **offer_terms(subscription, [one for one in add_ons.rows if not one["ended_at"]]),
            "undone": offer_undo(member, subscription),
            "offers": list_offers(subscription, customer),
            **parts,
        },
    )


async def read_preview(member: Member) -> dict[str, Any]:
    """What an invoice would say now; None where no period runs."""
    try:
        found = await member.act("POST", f"/subscriptions/{member.place()}/preview-invoice", {})
    except Refused as refusal:
        if refusal.status == NOT_FOUND:
            raise
        found = None
    return {"preview": found, "summands": list_summands_of_total(found) if found else []}


async def read_series(member: Member) -> dict[str, Any]:
    """The usage of each day, of the first meters."""
    subscription = await member.get(f"/subscriptions/{member.place()}")
    return {"series": await list_usage(member, subscription)}


PARTS: Final = (
    Part(
        path=f"{SUBSCRIPTION}/so-far",
        template="subscription_so_far.html",
        read=read_preview,
        screen=SUBSCRIPTION,
    ),
    Part(
        path=f"{SUBSCRIPTION}/by-day",
        template="subscription_by_day.html",
        read=read_series,
        screen=SUBSCRIPTION,
    ),
)

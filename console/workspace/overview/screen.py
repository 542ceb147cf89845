"""The overview: what comes next at once, sums and checks as parts that follow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, Final

from billing.invoicing.invoices import InvoiceStatus
from billing.notifications.schedule import DeliveryStatus
from billing.payments.kinds import PaymentStatus
from billing.periods import local_date, start_of_day
from console.workspace.asking import Member, rows_of
from console.workspace.frame import Screen
from console.workspace.parts import Part, read_parts
from console.workspace.screens import PARKED

FEW: Final = 8
NOTHING: Final = dict.fromkeys(("invoices", "invoiced", "credited", "paid", "refunded"), 0)


async def show_overview(member: Member) -> Screen:
    """What comes next, and the newest events; the rest of it if the address asks.

    Sums over everything that was billed take longer than a page may.
    """
    drafts, events, parts = await asyncio.gather(
        member.get("/invoices", status=InvoiceStatus.DRAFT, page_size=FEW),
        member.get("/usage", page_size=FEW),
        read_parts(member, MONEY, ATTENTION),
    )
    return Screen(
        template="overview.html",
        title="Overview",
        values={
            "drafts": drafts,
            "events": rows_of(events),
            "is_fresh": not (drafts["data"] or events["data"] or await _has_billed(member)),
            **parts,
        },
    )


async def read_money(member: Member) -> dict[str, Any]:
    """What is owed by currency, and what came in and went out in this month and the last."""
    today = local_date(member.now, member.organization["timezone"])
    ended_on = today.replace(day=1) - timedelta(days=1)
    receivables, running, former = await asyncio.gather(
        member.get("/reports/receivables", page_size=1),
        member.get("/reports/turnover"),
        member.get("/reports/turnover", from_=str(ended_on.replace(day=1)), to=str(ended_on)),
    )
    return {"receivables": receivables["totals"], "months": _by_currency(running, former)}


async def read_attention(member: Member) -> dict[str, Any]:
    """What closes by midnight, what waits, what the last check found, and what failed."""
    tonight = _end_of_today(member)
    closing, coverage, failed, undelivered = await asyncio.gather(
        member.get(
            "/subscriptions", period_ends_before=tonight, on_test_clock=False, page_size=FEW
        ),
        member.get("/audit/coverage", latest=True),
        member.get("/payments", status=PaymentStatus.FAILED, page_size=FEW),
        member.get("/webhook-deliveries", status=DeliveryStatus.FAILED, page_size=1),
    )
    parked = [one for one in coverage["findings"] if one["kind"] == PARKED]
    return {
        "closing": closing,
        "tonight": tonight,
        "coverage": coverage,
        "parked": parked,
        "findings": [one for one in coverage["findings"] if one["kind"] != PARKED],
        "total": coverage["total"] - len(parked),
        "failed": failed,
        "undelivered": undelivered["meta"]["total"],
    }


def _end_of_today(member: Member) -> str:
    """Just after midnight in the organization's zone: most periods end at midnight itself."""
    timezone = member.organization["timezone"]
    tomorrow = local_date(member.now, timezone) + timedelta(days=1)
    after_midnight = start_of_day(tomorrow, timezone) + timedelta(seconds=1)
    return after_midnight.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _has_billed(member: Member) -> bool:
    """Whether anything was ever billed, asked where nothing else is there."""
    invoices = await member.get("/invoices", page_size=1)
    return bool(invoices["data"])


def _by_currency(
    running: Mapping[str, Any], former: Mapping[str, Any]
) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Money in and out of each currency: its name, this month and the last; nothing is nothing."""
    now, then = ({one["currency"]: one for one in month["data"]} for month in (running, former))
    return [
        (currency, now.get(currency, NOTHING), then.get(currency, NOTHING))
        for currency in sorted({*now, *then})
    ]


MONEY: Final = Part(path="/overview/money", template="overview_money.html", read=read_money)
ATTENTION: Final = Part(
    path="/overview/attention", template="overview_attention.html", read=read_attention
)
PARTS: Final = (MONEY, ATTENTION)

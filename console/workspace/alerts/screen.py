"""Alerts: of everybody, of one customer, and the times that one was reached."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from billing.money import plain_text
from billing.notifications.alerts import AlertAction, AlertOn
from console.workspace.actions import Action, Entry, Field, split_words
from console.workspace.asking import Member, rows_of
from console.workspace.frame import HOME, Screen
from console.workspace.lists import Column, Filter, Listing, turn
from console.workspace.values import Values

ALERTS: Final = "/alerts"
OF_CUSTOMER: Final = "/customers/{id}/alerts"
MANY: Final = 100
SUBJECT: Final = ("customer_id", "subscription_id", "meter_id", "unit")
"""Fields that say whose it is, and of what."""


def _write(said: dict[str, Any]) -> dict[str, Any]:
    """Whose it is stands by itself in what is sent, and the thresholds are several."""
    subject = {name: said.pop(name) for name in SUBJECT if name in said}
    return {**said, "subject": subject, "thresholds": split_words(said.get("thresholds", ""))}


WATCH: Final = Action(
    title="Watch",
    path=OF_CUSTOMER,
    call=ALERTS,
    back=OF_CUSTOMER,
    fields=(
        Field(name="customer_id", title="Customer", entry=Entry.HIDDEN, is_required=True),
        Field(
            name="on",
            title="What",
            entry=Entry.CHOICE,
            choices=tuple(AlertOn),
            value=AlertOn.SPEND,
            is_required=True,
        ),
        Field(name="thresholds", title="At, several with commas between", is_required=True),
        Field(
            name="action",
            title="Told alone, or access ends",
            entry=Entry.CHOICE,
            choices=tuple(AlertAction),
            value=AlertAction.ALERT,
        ),
        Field(name="meter_id", title="Of a meter alone, its id"),
        Field(name="subscription_id", title="Of a subscription alone, its id"),
        Field(name="unit", title="Unit, empty for your currency"),
        Field(
            name="rearm",
            title="Told again after it recovered",
            entry=Entry.FLAG,
            choices=("false", "true"),
            value="false",
        ),
    ),
    write=_write,
)
END: Final = Action(
    title="End the alert",
    path=f"{OF_CUSTOMER}/{{alert}}/end",
    call=f"{ALERTS}/{{alert}}",
    back=OF_CUSTOMER,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
ACTIONS: Final = (WATCH, END)


def describe(alert: Mapping[str, Any], values: Values) -> str:
    """What is watched, in words: ``Spend in USD reaches 100 or 500``."""
    subject = alert["subject"]
    part = " of one meter" if subject["meter_id"] else ""
    whose = " of one subscription" if subject["subscription_id"] else ""
    unit = f" in {subject['unit']}" if subject["unit"] else ""
    reaches = "falls to" if alert["direction"] == "down" else "reaches"
    thresholds = " or ".join(values.number(one) for one in alert["thresholds"])
    return f"{values.words(alert['on'])}{part}{whose}{unit} {reaches} {thresholds}"


def _called(alert: Mapping[str, Any]) -> str:
    """What somebody types who ends it: ``spend 50``."""
    return f"{alert['on']} {plain_text(Decimal(alert['thresholds'][0]))}"


def kind_of(alert: Mapping[str, Any]) -> str:
    """What happens as it is reached, in a word or two."""
    return "Spending cap" if alert["action"] == AlertAction.BLOCK else "Alert"


LISTING: Final = Listing(
    title="Alerts",
    path=ALERTS,
    columns=(
        Column(title="What", cell=describe),
        Column(title="Kind", cell=lambda row, _: kind_of(row), is_status=True),
        Column(
            title="Customer",
            cell=lambda row, _: str(row["subject"]["customer_name"]),
            raw=lambda row: row["subject"]["customer_id"],
        ),
        Column(
            title="Made",
            cell=lambda row, values: values.day(row["created_at"]),
            raw=lambda row: row["created_at"],
        ),
    ),
    filters=(Filter(name="customer_id", title="Customer"),),
    link=lambda row: f"{HOME}{ALERTS}/{row['id']}",
    empty="An alert is made on the page of its customer, or by POST /alerts.",
)


async def show_customer_alerts(member: Member) -> Screen:
    """What is watched of a customer, with a form for more."""
    customer = await member.get(f"/customers/{member.place()}")
    alerts, meters = await asyncio.gather(
        turn(member, ALERTS, asked={"customer_id": customer["id"]}),
        member.get("/meters", page_size=MANY),
    )
    names = {one["id"]: one["name"] for one in rows_of(meters)}
    return Screen(
        template="alerts.html",
        title=f"Alerts of {customer['name']}",
        values={
            "customer": customer,
            "alerts": [
                {
                    **one,
                    "kind": kind_of(one),
                    "meter": names.get(one["subject"]["meter_id"]),
                    "end": END.offer(id=customer["id"], alert=one["id"], expected=_called(one)),
                }
                for one in alerts.rows
            ],
            "pages": alerts,
            "describe": describe,
            "watch": WATCH.offer(id=customer["id"], values={"customer_id": customer["id"]}),
        },
    )


async def show_crossings(member: Member) -> Screen:
    """The times that an alert was reached, the oldest first."""
    crossings = await turn(member, f"{ALERTS}/{member.place()}/crossings")
    return Screen(
        template="crossings.html", title="When it was reached", values={"pages": crossings}
    )

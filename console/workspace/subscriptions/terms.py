"""What a subscription has beside its plan: add-ons, and from when on it is billed at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from billing.subscriptions import has_ended
from console.workspace.actions import Action, Field

SUBSCRIPTION: Final = "/subscriptions/{id}"
ADD_ONS: Final = f"{SUBSCRIPTION}/add-ons"
CHARGE: Final = ("unit_price", "display_name")
"""Fields that say what one of an add-on costs."""

Offer = dict[str, Any]


def _write(said: dict[str, Any]) -> dict[str, Any]:
    charge = {name: said.pop(name) for name in CHARGE if name in said}
    return {"charge": charge, **said}


ATTACH: Final = Action(
    title="Attach an add-on",
    path=ADD_ONS,
    call=ADD_ONS,
    back=SUBSCRIPTION,
    fields=(
        Field(name="display_name", title="What invoices call it", is_required=True),
        Field(name="unit_price", title="Price of one, a period", is_required=True),
        Field(name="quantity", title="How many", value="1", is_required=True),
    ),
    write=_write,
)
DETACH: Final = Action(
    title="End the add-on",
    path=f"{ADD_ONS}/{{add_on}}/detach",
    call=f"{ADD_ONS}/{{add_on}}",
    back=SUBSCRIPTION,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
THRESHOLD: Final = Action(
    title="Save the threshold",
    path=f"{SUBSCRIPTION}/threshold",
    call=SUBSCRIPTION,
    back=SUBSCRIPTION,
    method="PATCH",
    fields=(
        Field(
            name="threshold_amount",
            title="Billed at once from so much unbilled, empty for never",
            clears=True,
        ),
    ),
)
ACTIONS: Final = (ATTACH, DETACH, THRESHOLD)


def offer_terms(
    subscription: Mapping[str, Any], add_ons: list[Mapping[str, Any]]
) -> dict[str, list[Offer] | Offer | None]:
    """A living subscription's add-ons and threshold, each with its form; one that ended: none."""
    if has_ended(subscription["status"]):
        return {"add_ons": [{**one, "end": None} for one in add_ons], "attach": None, "at": None}
    return {
        "add_ons": [{**one, "end": _offer_end(subscription, one)} for one in add_ons],
        "attach": ATTACH.offer(id=subscription["id"]),
        "at": THRESHOLD.offer(id=subscription["id"], values=subscription),
    }


def _offer_end(subscription: Mapping[str, Any], add_on: Mapping[str, Any]) -> Offer:
    name = str(add_on["charge"]["display_name"] or "Add-on")
    return DETACH.offer(id=subscription["id"], add_on=add_on["id"], expected=name)

"""Coupons: the list of them, one by itself, and those of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from billing.discounts.coupons import CouponScope
from console.workspace.actions import Action, Entry, Field, split_words
from console.workspace.asking import Member
from console.workspace.frame import HOME, Screen
from console.workspace.lists import Column, Listing, Turned
from console.workspace.values import Values

COUPONS: Final = "/coupons"
COUPON: Final = "/coupons/{id}"
CUSTOMER: Final = "/customers/{id}"
LISTS: Final = ("plan_ids", "charge_ids")


def _write(said: dict[str, Any]) -> dict[str, Any]:
    """Ids are several, and a duration is a word or a number."""
    lists = {name: split_words(said[name]) for name in LISTS if name in said}
    duration = str(said.get("duration", ""))
    number = {"duration": int(duration)} if duration.isascii() and duration.isdigit() else {}
    return said | lists | number


MAKE: Final = Action(
    title="New coupon",
    path=COUPONS,
    call=COUPONS,
    back=COUPONS,
    fields=(
        Field(name="code", title="Code", is_required=True),
        Field(name="percent", title="Percent off"),
        Field(name="amount", title="Or an amount off"),
        Field(name="currency", title="and its currency"),
        Field(name="duration", title="On how many bills, or forever", value="once"),
        Field(
            name="scope",
            title="For",
            entry=Entry.CHOICE,
            choices=(CouponScope.INVOICE, CouponScope.PLAN, CouponScope.LINES),
            value=CouponScope.INVOICE,
        ),
        Field(name="plan_ids", title="Ids of the plans, for plan"),
        Field(name="charge_ids", title="Ids of the charges, for lines"),
        Field(name="max_redemptions", title="Most customers", entry=Entry.NUMBER),
        Field(name="expires_at", title="Redeemed until, empty for ever"),
    ),
    write=_write,
)
WITHDRAW: Final = Action(
    title="Withdraw",
    path=f"{COUPON}/withdraw",
    call=COUPON,
    back=COUPONS,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
REDEEM: Final = Action(
    title="Redeem a coupon",
    path=f"{CUSTOMER}/coupons",
    call=f"{CUSTOMER}/coupons",
    back=CUSTOMER,
    fields=(Field(name="code", title="Code", is_required=True),),
)
DETACH: Final = Action(
    title="Take the coupon",
    path=f"{CUSTOMER}/coupons/{{coupon}}/detach",
    call=f"{CUSTOMER}/coupons/{{coupon}}",
    back=CUSTOMER,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
ACTIONS: Final = (MAKE, WITHDRAW, REDEEM, DETACH)


def worth(coupon: Mapping[str, Any], values: Values) -> str:
    """What it takes off: ``10 %``, ``$5.00``."""
    if coupon["percent"] is not None:
        return f"{values.number(coupon['percent'])} %"
    return values.money(coupon["amount"], coupon["currency"])


def lasts(coupon: Mapping[str, Any], values: Values) -> str:
    """On how many bills: ``Once``, ``Forever``, ``3 bills``."""
    duration = coupon["duration"]
    return values.words(duration) if isinstance(duration, str) else f"{duration} bills"


def redeemed(coupon: Mapping[str, Any]) -> str:
    """How many customers have redeemed it, and how many can: ``3 of 100``."""
    most = coupon["max_redemptions"]
    return f"{coupon['redemption_count']}" + ("" if most is None else f" of {most}")


LISTING: Final = Listing(
    title="Coupons",
    path=COUPONS,
    columns=(
        Column(title="Code", cell=lambda row, _: str(row["code"])),
        Column(title="Off", cell=worth, is_number=True),
        Column(title="For", cell=lambda row, values: values.words(row["scope"])),
        Column(title="On", cell=lasts, raw=lambda row: row["duration"]),
        Column(title="Redeemed", cell=lambda row, _: redeemed(row), is_number=True),
        Column(
            title="Until",
            cell=lambda row, values: values.instant(row["expires_at"]),
            raw=lambda row: row["expires_at"],
        ),
    ),
    template="coupons.html",
    link=lambda row: f"{HOME}{COUPONS}/{row['id']}",
    empty="A coupon takes something off the bills of those who redeem its code.",
)


async def show_coupons(member: Member) -> Screen | Response:
    """The coupons that are not withdrawn, with a form for a new one."""
    shown = await LISTING.show(member)
    if isinstance(shown, Response):
        return shown
    return replace(shown, values={**shown.values, "make": MAKE.offer()})


async def show_coupon(member: Member) -> Screen:
    """One coupon: what it takes off, for whom, and how often it was redeemed."""
    coupon = await member.get(f"/coupons/{member.place()}")
    return Screen(
        template="coupon.html",
        title=str(coupon["code"]),
        values={
            "coupon": coupon,
            "worth": worth,
            "lasts": lasts,
            "redeemed": redeemed(coupon),
            "withdraw": WITHDRAW.offer(id=coupon["id"], expected=coupon["code"]),
        },
    )


def offers_of(customer_id: str, redemptions: Turned) -> dict[str, Any]:
    """A customer's coupons, and the forms for them."""
    return {
        "coupons": [
            {
                **one,
                "detach": None
                if one["ended_at"]
                else DETACH.offer(
                    id=customer_id, coupon=one["coupon_id"], expected=str(one["code"])
                ),
            }
            for one in redemptions.rows
        ],
        "coupon_pages": redemptions,
        "redeem": REDEEM.offer(id=customer_id),
    }

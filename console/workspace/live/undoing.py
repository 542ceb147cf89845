"""What is done to subscriptions: at once and undone again, or confirmed where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from billing.subscriptions import SubscriptionStatus
from console.workspace.actions import Action, Field
from console.workspace.asking import Member
from console.workspace.frame import Screen

DONE: Final = "done"
"""What the address of the screen says that was done just now."""

Subscription = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable:
    """Something that is done without asking, because one press takes it back.

    ``holds`` says whether a subscription is still as it was left.
    """

    name: str
    words: str
    action: Action
    undo: Action
    holds: Callable[[Subscription], bool]

    async def do(self, member: Member) -> Response | Screen:
        """It is done, and the screen offers to undo it. Raises Refused."""
        done = await self.action.do(member)
        if isinstance(done, RedirectResponse):
            done.headers["location"] += f"?{DONE}={self.name}"
        return done


def _action(title: str, verb: str, **more: Any) -> Action:  # noqa: ANN401  (fields of Action)
    path = f"/subscriptions/{{id}}/{verb}"
    return Action(
        **{"title": title, "path": path, "call": path, "back": "/subscriptions/{id}"} | more
    )


REASON: Final = Field(name="reason", title="Why")
REACTIVATE: Final = _action("Take the cancellation back", "reactivate")
RESUME: Final = _action("Resume", "resume")
END: Final = _action(
    "Cancel at once",
    "cancel",
    path="/subscriptions/{id}/end",
    fields=(REASON,),
    body={"cancel_at_period_end": False},
    confirms=True,
    is_grave=True,
)
CANCEL: Final = Undoable(
    name="canceled",
    words="Canceled: it ends with its period.",
    action=_action(
        "Cancel at the period's end",
        "cancel",
        fields=(REASON,),
        body={"cancel_at_period_end": True},
    ),
    undo=REACTIVATE,
    holds=lambda one: bool(one["cancel_at_period_end"]),
)
PAUSE: Final = Undoable(
    name="paused",
    words="Paused: nothing is billed until it is resumed.",
    action=_action("Pause", "pause"),
    undo=RESUME,
    holds=lambda one: one["status"] == SubscriptionStatus.PAUSED,
)
UNDOABLE: Final = (CANCEL, PAUSE)
FINAL: Final = (REACTIVATE, RESUME, END)


def offer_undo(member: Member, subscription: Subscription) -> dict[str, Any] | None:
    """What was done just now, and the form that undoes it; None once it no longer holds."""
    asked = member.request.query_params.get(DONE)
    for one in UNDOABLE:
        if one.name == asked and one.holds(subscription):
            return {"words": one.words, "form": one.undo.offer(id=subscription["id"])}
    return None


def list_offers(subscription: Subscription, customer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be done with a subscription as it is now; what is final asks for the customer."""
    place = subscription["id"]
    name = str(customer["external_id"] or customer["name"])
    match subscription["status"]:
        case SubscriptionStatus.CANCELED:
            return []
        case SubscriptionStatus.PAUSED:
            own = [RESUME.offer(id=place)]
        case _ if subscription["cancel_at_period_end"]:
            own = [REACTIVATE.offer(id=place)]
        case SubscriptionStatus.TRIAL:
            own = [CANCEL.action.offer(id=place)]
        case _:
            own = [PAUSE.action.offer(id=place), CANCEL.action.offer(id=place)]
    return [*own, END.offer(id=place, expected=name)]

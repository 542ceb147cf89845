"""What members do from screens: each a form, and the one call of the API that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import uuid4

from starlette.responses import Response

from billing.invoicing.invoices import InvoiceStatus
from console.workspace.asking import API, Call, Member, Refused
from console.workspace.forms import read_form
from console.workspace.frame import HOME, see_other

KEY: Final = "key"
CONFIRMATION: Final = "confirmation"
NOT_CONFIRMED: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that a form asks for; what is left empty is not sent unless it is required."""

    name: str
    title: str
    value: str = ""
    is_required: bool = False

    def filled(self, text: str | None) -> Field:
        """The same with what somebody typed; as it was if they typed nothing."""
        return self if text is None else replace(self, value=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that can be done: under which address, by which call, and where one is then.

    ``body`` is sent beside the fields. With ``confirmed_by`` the member types the number or name
    of what it cannot be undone for.
    """

    title: str
    path: str
    call: str
    back: str
    method: str = "POST"
    fields: Sequence[Field] = ()
    body: Mapping[str, str] = field(default_factory=dict)
    confirms: bool = False
    is_grave: bool = False

    async def do(self, member: Member) -> Response:
        """The call is made, once however often the form is sent. Raises Refused."""
        form = await read_form(member.request)
        if self.confirms and form.get(CONFIRMATION) != form.get("expected"):
            raise Refused(
                NOT_CONFIRMED,
                {"detail": f"Type {form.get('expected')} to confirm.", "code": "not_confirmed"},
            )
        sent = {one.name: form[one.name] for one in self.fields if form.get(one.name)}
        place = {name: member.place(name) for name in member.request.path_params}
        await member.act(
            self.method, self.call.format(**place), {**self.body, **sent}, key=form.get(KEY)
        )
        return see_other(HOME + self.back.format(**place))

    def offer(self, *, expected: str = "", **place: object) -> dict[str, Any]:
        """The form of it, for a template: with a key of its own, and its call as a command."""
        example = {one.name: one.value or f"<{one.title.lower()}>" for one in self.fields}
        call = Call(
            method=self.method,
            path=API + self.call.format(**place),
            body={**self.body, **example},
        )
        return {
            "title": self.title,
            "address": HOME + self.path.format(**place),
            "fields": self.fields,
            "key": str(uuid4()),
            "expected": expected if self.confirms else "",
            "is_grave": self.is_grave,
            "calls": [call],
        }


FINALIZE: Final = Action(
    title="Finalize",
    path="/invoices/{id}/finalize",
    call="/invoices/{id}/finalize",
    back="/invoices/{id}",
)
RECORD_PAYMENT: Final = Action(
    title="Record a payment",
    path="/invoices/{id}/payments",
    call="/invoices/{id}/payments",
    back="/invoices/{id}",
    fields=(
        Field(name="amount", title="Amount", is_required=True),
        Field(name="method", title="Method", value="bank_transfer"),
        Field(name="reference", title="Reference"),
    ),
)
VOID: Final = Action(
    title="Void",
    path="/invoices/{id}/void",
    call="/invoices/{id}/status",
    back="/invoices/{id}",
    method="PATCH",
    fields=(Field(name="note", title="Why"),),
    body={"status": InvoiceStatus.VOID},
    confirms=True,
    is_grave=True,
)
RETRY: Final = Action(
    title="Try again",
    path="/subscriptions/{id}/periods/{period}/retry",
    call="/subscriptions/{id}/periods/{period}/retry",
    back="/operations",
)
SKIP: Final = Action(
    title="Skip the bill",
    path="/subscriptions/{id}/periods/{period}/skip",
    call="/subscriptions/{id}/periods/{period}/skip",
    back="/operations",
    fields=(Field(name="reason", title="Why", is_required=True),),
    is_grave=True,
)
ADVANCE: Final = Action(
    title="Advance",
    path="/test-clocks/{id}/advance",
    call="/test-clocks/{id}/advance",
    back="/test-clocks",
    fields=(Field(name="frozen_time", title="To", is_required=True),),
)
NEW_CLOCK: Final = Action(
    title="New test clock",
    path="/test-clocks",
    call="/test-clocks",
    back="/test-clocks",
    fields=(
        Field(name="name", title="Name"),
        Field(name="frozen_time", title="Its present", is_required=True),
    ),
)
REPLAY: Final = Action(
    title="Deliver again",
    path="/webhooks/{id}/replay",
    call="/webhook-deliveries/{id}/replay",
    back="/webhooks",
)

ACTIONS: Final = (FINALIZE, RECORD_PAYMENT, VOID, RETRY, SKIP, ADVANCE, NEW_CLOCK, REPLAY)

"""The five steps to a first invoice: what each asks for, and the calls of the API that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from console.workspace.actions import Field, Form

Document = Mapping[str, Any]
BEGIN: Final = "2025-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the organization has of a first invoice; None is what is still to be made."""

    organization: Document
    meter: Document | None = None
    plan: Document | None = None
    clock: Document | None = None
    customer: Document | None = None
    subscription: Document | None = None
    event: Document | None = None
    invoice: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of a step; ``<plan>`` stands for the id of what the call that ``makes`` it made."""

    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    makes: str = ""

    def filled(self, ids: Mapping[str, str]) -> Request:
        """The same with ids in the place of the names of what they belong to."""
        body = {name: ids.get(str(value), value) for name, value in self.body.items()}
        path = self.path
        for name, one in ids.items():
            path = path.replace(name, one)
        return Request(path=path, body=body, makes=self.makes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step: what it is for, what it asks for, which calls it makes, and whether it is done."""

    name: str
    title: str
    about: str
    button: str
    ask: Callable[[Found], Sequence[Field]]
    requests: Callable[[Found, Form], Sequence[Request]]
    is_done: Callable[[Found], bool]


def _ask_meter(_found: Found) -> Sequence[Field]:
    return (
        Field(name="name", title="What is used", value="API Calls", is_required=True),
        Field(name="meter_name", title="Its name in events", value="api_calls", is_required=True),
        Field(name="property_name", title="The property that is added up", value="calls"),
        Field(name="unit", title="Unit", value="calls"),
    )


def _make_meter(_found: Found, form: Form) -> Sequence[Request]:
    body = {"type": "meter", "lookup_key": form.get("meter_name", ""), "aggregation_type": "SUM"}
    return (Request(path="/features", body={**form, **body}),)


def _ask_price(found: Found) -> Sequence[Field]:
    price = Field(name="unit_price", title="Price of one", value="0.001", is_required=True)
    if found.plan is not None:
        return (price,)
    return (
        Field(name="name", title="Plan", value="Pay as you go", is_required=True),
        Field(name="lookup_id", title="Its name in programs", value="payg", is_required=True),
        Field(name="currency", title="Currency", value=found.organization["currency"]),
        price,
    )


def _make_price(found: Found, form: Form) -> Sequence[Request]:
    assert found.meter is not None
    about = {name: text for name, text in form.items() if name != "unit_price"}
    plan = {**about, "type": "USAGE", "billing_interval": "month"}
    charge = {
        "type": "USAGE",
        "meter_id": found.meter["id"],
        "unit_price": form.get("unit_price", ""),
        "display_name": found.meter["name"],
    }
    made = () if found.plan is not None else (Request(path="/plans", body=plan, makes="<plan>"),)
    return (*made, Request(path="/plans/<plan>/charges", body=charge))


def _ask_customer(found: Found) -> Sequence[Field]:
    begin = () if found.clock is not None else (Field(name="begin", title="From", value=BEGIN),)
    if found.customer is not None:
        return begin
    return (
        Field(name="name", title="Customer", value="Harbor Labs", is_required=True),
        Field(name="email", title="Email", value="ap@harbor.test", is_required=True),
        Field(name="external_id", title="Your id of them", value="acct_77", is_required=True),
        *begin,
    )


def _make_customer(found: Found, form: Form) -> Sequence[Request]:
    begin = found.clock["frozen_time"] if found.clock else form.get("begin", BEGIN)
    about = {name: text for name, text in form.items() if name != "begin"}
    clock = Request(
        path="/test-clocks", body={"name": "Guided setup", "frozen_time": begin}, makes="<clock>"
    )
    customer = Request(
        path="/customers", body={**about, "test_clock_id": "<clock>"}, makes="<customer>"
    )
    terms = {"customer_id": "<customer>", "plan_id": "<plan>", "start_date": begin}
    return (
        *(() if found.clock else (clock,)),
        *(() if found.customer else (customer,)),
        Request(path="/subscriptions", body=terms),
    )


def _ask_event(found: Found) -> Sequence[Field]:
    assert found.clock is not None
    at = found.clock["frozen_time"]
    return (
        Field(name="quantity", title="How much was used", value="82450", is_required=True),
        Field(name="timestamp", title="When", value=at, is_required=True),
        Field(name="idempotency_key", title="Its key", value="job-5512", is_required=True),
    )


def _make_event(found: Found, form: Form) -> Sequence[Request]:
    assert found.meter is not None
    text = form.get("quantity", "")
    quantity = int(text) if text.isascii() and text.isdigit() else text
    measured = found.meter["property_name"]
    used = {"quantity": text} if measured is None else {"properties": {measured: quantity}}
    event = {name: form.get(name, "") for name in ("timestamp", "idempotency_key")}
    who = {"customer_id": "<customer>", "meter_id": found.meter["id"]}
    return (Request(path="/usage", body={**who, **used, **event}),)


def _ask_invoice(found: Found) -> Sequence[Field]:
    assert found.subscription is not None
    ends_at = datetime.fromisoformat(found.subscription["current_period_end"])
    grace = timedelta(minutes=found.organization["grace_period_minutes"])
    final_at = (ends_at + grace).isoformat().replace("+00:00", "Z")
    return (Field(name="frozen_time", title="Move the clock to", value=final_at, is_required=True),)


def _make_invoice(_found: Found, form: Form) -> Sequence[Request]:
    return (Request(path="/test-clocks/<clock>/advance", body=form),)


STEPS: Final = (
    Step(
        name="meter",
        title="Say what is measured",
        about="A meter turns events into one quantity. This one adds up a property of each.",
        button="Make the meter",
        ask=_ask_meter,
        requests=_make_meter,
        is_done=lambda found: found.meter is not None,
    ),
    Step(
        name="price",
        title="Say what it costs",
        about="A plan is billed by the month, and has a charge for what the meter measures.",
        button="Set the price",
        ask=_ask_price,
        requests=_make_price,
        is_done=lambda found: found.plan is not None and bool(found.plan["charges"]),
    ),
    Step(
        name="customer",
        title="Subscribe a customer",
        about="This customer lives on a test clock: you move its time, and nobody waits for a"
        " month to end. Customers without one live in real time; nothing else differs.",
        button="Subscribe them",
        ask=_ask_customer,
        requests=_make_customer,
        is_done=lambda found: found.subscription is not None,
    ),
    Step(
        name="event",
        title="Send what they used",
        about="Your program sends an event for each use. Sent twice under one key, it counts once.",
        button="Send the event",
        ask=_ask_event,
        requests=_make_event,
        is_done=lambda found: found.event is not None,
    ),
    Step(
        name="invoice",
        title="Let the month end",
        about="A draft is made when the period ends, waits for late events until its grace is"
        " over, and is final.",
        button="Make it the next month",
        ask=_ask_invoice,
        requests=_make_invoice,
        is_done=lambda found: found.invoice is not None,
    ),
)

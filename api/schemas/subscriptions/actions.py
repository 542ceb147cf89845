"""What can be asked of a subscription, on the wire (CONTRACT 3.6 and section 6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from api.schemas.common import Count, Flag, Instant, Moment, Money, Schema, View, Words, any_case
from api.schemas.described import ShownAs
from api.schemas.invoicing.invoices import InvoiceView
from api.schemas.invoicing.lines import PreviewLineView, view_preview_line
from api.schemas.subscriptions.subscriptions import PendingChangeView
from billing.invoicing.invoices import InvoiceTotals
from billing.money import ZERO
from billing.timeline import Happening
from services.subscriptions.timeline import Timeline, TimelineEntry


class When(StrEnum):
    """When a change of plan takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


class CycleAnchor(StrEnum):
    """From when periods are counted after a change of plan."""

    KEEP = "keep"
    NOW = "now"


class CancelRequest(Schema):
    """End the subscription; at its period's end unless told otherwise."""

    cancel_at_period_end: Flag = True
    """Whether it ends with the running period, or at once."""
    reason: Words | None = None
    """Why, in your words."""


class PauseRequest(Schema):
    """Let billing rest, until ``resume_at`` if it is given."""

    resume_at: Instant | None = None
    """When billing goes on by itself; absent for not before somebody resumes it."""


class ChangePlanRequest(Schema):
    """Another plan; with ``preview`` only the lines that the change would bill."""

    plan_id: UUID
    """The new plan."""
    when: Annotated[When, any_case(When)] = When.NOW
    """Whether the plan changes at once or with the next period."""
    anchor: Annotated[CycleAnchor, any_case(CycleAnchor)] = CycleAnchor.KEEP
    """From when periods are counted afterwards: as before (`keep`), so that the new period runs to
    the regular boundary; or from `now`, so that it is a whole one. The plan may then be the one
    that the subscription is on. Not with `when` `period_end`, nor where the calendar counts."""
    preview: Flag = False
    """Whether only to show what the change would bill."""


class GenerateRequest(Schema):
    """Which period to bill, counted from 0; by default all that are overdue, or the current one."""

    period_index: Annotated[Count, Field(ge=0, le=2_147_483_647)] | None = None
    """The period to bill, counted from 0; absent for all that are overdue, or else the current
    one."""


class PreviewRequest(Schema):
    """The instant at which to cut the current period; by default its end."""

    at: Instant | None = None
    """The instant at which to cut the current period; absent for its end."""


class SkipRequest(Schema):
    """Why a parked bill is given up."""

    reason: Words
    """Why the bill is given up, for the audit log."""


class PlanChangePreview(View):
    """What a change of plan would bill at once; its lines are not stored, so they have no ids."""

    lines: list[PreviewLineView]
    """What the change would bill at once."""
    subtotal: Money
    """The sum of the lines, less tax that is in their prices."""
    coupons_total: Money
    """What coupons take off the lines; it is not in the total."""
    credits_total: Money
    """What prepaid credit pays in all."""
    tax: Money
    """The tax of all rates."""
    total: Money
    """What the invoice would come to: the lines less what coupons take off and what credit pays
    before they are taxed, with tax."""
    amount_due: Money
    """What would be left to pay of it."""


AMOUNTS: Final = ("subtotal", "coupons_total", "credits_total", "tax", "total", "amount_due")
"""Of a bill, in the order in which it is computed."""


def view_preview_of_change(totals: InvoiceTotals | None) -> PlanChangePreview:
    """What a change would bill; nothing where it bills nothing at once."""
    if totals is None:
        return PlanChangePreview(lines=[], **dict.fromkeys(AMOUNTS, ZERO))
    return PlanChangePreview(
        lines=[view_preview_line(line) for line in totals.lines],
        **{name: getattr(totals, name) for name in AMOUNTS},
    )


class PendingBillsView(View):
    """More periods are missed than one request bills; the workflow goes on with the rest."""

    data: list[InvoiceView]
    """Empty: the invoices are listed once they exist."""
    pending_change: PendingChangeView | None
    """What else was asked for and waits, if anything."""


class TimelineEntryView(View):
    """One action at one instant."""

    at: Moment
    """When it happened or will."""
    action: Annotated[str, ShownAs(Happening)]
    """What happened or will."""
    period_index: int | None
    """The period that it is about, counted from 0; null where it is about none."""
    invoice_id: UUID | None
    """The invoice that it is about; null where it is about none."""
    detail: str | None
    """More in words; null where there is no more to say."""
    actor: str | None
    """Who retried or skipped a bill: `user:` or `api_key:` and an id; null for all else."""


class TimelineView(View):
    """What happened, oldest first, and what will, next first."""

    past: list[TimelineEntryView]
    """What happened, oldest first."""
    upcoming: list[TimelineEntryView]
    """What will happen, next first: at most 20 entries."""


def view_timeline(timeline: Timeline) -> TimelineView:
    """The timeline as the API shows it."""
    return TimelineView(
        past=[_entry(entry) for entry in timeline.past],
        upcoming=[_entry(entry) for entry in timeline.upcoming],
    )


def _entry(entry: TimelineEntry) -> TimelineEntryView:
    fields: dict[str, Any] = {name: getattr(entry, name) for name in TimelineEntryView.model_fields}
    return TimelineEntryView(**fields)

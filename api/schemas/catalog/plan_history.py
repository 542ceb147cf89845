"""Who changed which price, and whom it met, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.schemas.common import Moment, Money, View
from api.schemas.free_form import AnyObject
from billing.invoicing.invoices import InvoiceStatus
from billing.rating.terms import Effective
from repositories.catalog.history import MetInvoice, MetSubscription
from services.catalog.history import PlanChange
from services.catalog.term_changes import TermChange, TermPart


class TermChangeView(View):
    """One part of a plan's terms, before and after."""

    part: TermPart
    """Whether it is the plan itself, a charge, what the plan grants of a feature, or a
    commitment."""
    id: UUID
    """The id of the plan, the charge, the feature or the commitment."""
    name: str | None
    """What it is called; null where it has no name."""
    before: AnyObject | None
    """What differs, as it was, prices in major units; null where the part is new."""
    after: AnyObject | None
    """What differs, as it is since, prices in major units; null where the part went."""


class PlanChangeView(View):
    """One version of a plan: who made it, when, and what it changed."""

    version: int
    """The version, counted from 1."""
    at: Moment
    """When it was made."""
    effective: Effective
    """Whether it bills periods that had begun before it, or only those that begin after it."""
    actor: str | None
    """Who made it, as in the audit log; null where the log does not say."""
    request_id: str | None
    """The `X-Request-ID` of the request; null where none asked for it."""
    audit_entry_id: UUID | None
    """The entry of the audit log; null where the log does not say."""
    is_as_published: bool | None
    """Whether its terms are still those that the log is bound to; null where it was made before
    the log said so."""
    changes: list[TermChangeView]
    """What it changed of the version before; of the first version, everything."""


class MetInvoiceView(View):
    """An invoice that a version was used for."""

    id: UUID
    """The id of the invoice."""
    invoice_number: str | None
    """Its number; null of a draft that has none yet."""
    status: InvoiceStatus
    """Its status."""
    currency: str
    """The currency of its total (ISO 4217)."""
    total: Money
    """What it comes to."""
    is_late: bool
    """Whether it corrects an earlier bill by late usage that was priced by the version."""


class MetSubscriptionView(View):
    """A subscription that a version met."""

    subscription_id: UUID
    """The id of the subscription."""
    customer_id: UUID
    """The id of its customer."""
    external_id: str | None
    """What you call the customer; null where you call it nothing."""
    period_count: int
    """How many of its periods the version bills."""
    first_period_start: Moment | None
    """When the first of them begins; null where none is billed by it any more."""
    last_period_end: Moment | None
    """When the last of them ends, itself excluded; null where none is billed by it any more."""
    invoices: list[MetInvoiceView]
    """Its invoices that the version was used for, oldest first, void ones included."""


def view_plan_change(change: PlanChange) -> PlanChangeView:
    """A version's change as the API shows it."""
    made = change.made
    return PlanChangeView(
        version=made.version,
        at=made.created_at,
        effective=Effective(made.effective),
        actor=made.actor,
        request_id=made.request_id,
        audit_entry_id=made.entry_id,
        is_as_published=change.is_as_published,
        changes=[_view_term_change(one) for one in change.changes],
    )


def view_met(met: MetSubscription, invoices: Sequence[MetInvoice]) -> MetSubscriptionView:
    """A subscription that was met as the API shows it."""
    return MetSubscriptionView(
        subscription_id=met.subscription_id,
        customer_id=met.customer_id,
        external_id=met.external_id,
        period_count=met.period_count,
        first_period_start=met.first_start,
        last_period_end=met.last_end,
        invoices=[
            MetInvoiceView(
                id=one.invoice_id,
                invoice_number=one.invoice_number,
                status=InvoiceStatus(one.status),
                currency=one.currency,
                total=one.total,
                is_late=one.is_late,
            )
            for one in invoices
        ],
    )


def _view_term_change(change: TermChange) -> TermChangeView:
    return TermChangeView(
        part=change.part,
        id=change.id,
        name=change.name,
        before=None if change.before is None else dict(change.before),
        after=None if change.after is None else dict(change.after),
    )

"""The audit log on the wire (CONTRACT section 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from api.schemas.common import Moment, View
from api.schemas.free_form import AnyObject
from billing.audit_log.chain import Fault, Head
from repositories.audit_log import PlacedEntry
from services.audit_chain import Part
from services.operations.coverage import Coverage
from services.operations.findings import FindingKind
from services.operations.kept_coverage import LatestCoverage


class AuditEntryView(View):
    """Who did what to which thing, and what it looked like before and after."""

    id: UUID
    at: Moment
    """When it was done."""
    actor: str
    """Who did it: `user:` or `api_key:` and an id; `workflow`, `operator`, or `system` for what no
    one asked for."""
    action: str
    """What was done, such as `plan.updated`."""
    object_type: str
    """The kind of thing that it was done to."""
    object_id: UUID | None
    """The id of the thing; null where it has none."""
    before: AnyObject | None
    """What the thing looked like before; null where it was made."""
    after: AnyObject | None
    """What the thing looked like afterwards; null where it was deleted."""
    request_id: str | None
    """The `X-Request-ID` of the request; null where none asked for it."""
    position: int | None
    """Its place in the chain, counted from 1; null where it has none."""
    previous_digest: str | None
    """The digest of the entry before it; null for the first."""
    digest: str | None
    """What it is bound by: SHA-256, as hex; null where it has no place in the chain."""


def view_audit_entry(placed: PlacedEntry) -> AuditEntryView:
    """The entry as the API shows it."""
    link = placed.link
    return AuditEntryView(
        **{name: getattr(placed.entry, name) for name in _OF_ENTRY},
        position=None if link is None else link.position,
        previous_digest=None if link is None else link.previous_digest,
        digest=None if link is None else link.digest,
    )


_OF_ENTRY: Final = (
    *("id", "at", "actor", "action", "object_type", "object_id"),
    *("before", "after", "request_id"),
)


class ChainHeadView(View):
    """A place in the chain. Keep it: who has it knows all entries up to it."""

    position: int
    """How many entries are bound up to it; 0 where there are none."""
    digest: str | None
    """The digest of the last one of them; null where there are none."""


class BrokenLinkView(View):
    """The first place where the chain does not hold."""

    fault: Fault
    """What is wrong."""
    position: int | None
    """Where; null for an entry that has no place in the chain."""
    entry_id: UUID | None
    """The entry; null where none is meant or it is not known."""
    detail: str
    """The same in words."""


class AuditChainView(View):
    """What was looked at of the chain, and whether it holds."""

    holds: bool
    """Whether nothing is wrong with what was looked at."""
    first_broken: BrokenLinkView | None
    """The first place that is wrong; null where nothing is."""
    checked: int
    """How many entries were looked at and hold."""
    checked_through: ChainHeadView
    """The last place up to which all holds, from the first that was looked at."""
    next_after: int | None
    """What to send as `after` to go on; null where the end was reached, or a broken link."""
    head: ChainHeadView
    """Where the chain ends now."""
    linked_before: int
    """How many entries stood in the log when it was first chained, and were bound as found."""


def view_chain(part: Part) -> AuditChainView:
    """What was found, as the API shows it."""
    broken = part.broken
    return AuditChainView(
        holds=broken is None,
        first_broken=None
        if broken is None
        else BrokenLinkView.model_validate(broken, from_attributes=True),
        checked=part.checked,
        checked_through=_view_head(part.through),
        next_after=None if part.is_last else part.through.position,
        head=_view_head(part.end.head),
        linked_before=part.end.linked_before,
    )


def _view_head(head: Head) -> ChainHeadView:
    return ChainHeadView.model_validate(head, from_attributes=True)


class FindingView(View):
    """One thing that is wrong: with a subscription, or usage that none of them charges."""

    kind: FindingKind
    """What it is that is wrong."""
    detail: str
    """The same in words."""
    subscription_id: UUID | None
    """The subscription that it is about; null where it is about none."""
    period_index: int | None
    """The period that it is about, counted from 0; null where it is about none."""
    invoice_id: UUID | None
    """The invoice that it is about; null where it is about none."""
    period_start: Moment | None
    """The begin of what it is about, itself included; null where it is about no time."""
    period_end: Moment | None
    """The end of what it is about, itself excluded; null where it is about no time."""
    customer_id: UUID | None
    """The customer whose usage no subscription charges; null where it is about something else."""
    meter_id: UUID | None
    """The meter that no subscription charges; null where it is about something else."""


class CoverageView(View):
    """How many subscriptions have something left to happen, and what is wrong.

    ``owners_checked`` is false while Temporal is away: then nothing is said of workflows.
    """

    subscriptions: int
    """How many subscriptions have something left to happen."""
    findings: list[FindingView]
    """What is wrong; empty where all is well."""
    owners_checked: bool
    """Whether workflows were looked at; false while Temporal is away."""
    total: int
    """How many things are wrong; of a check that was kept the first thousand are listed."""
    checked_at: Moment
    """When it was looked at."""


def view_coverage(
    coverage: Coverage, *, owners_checked: bool, checked_at: datetime, total: int | None = None
) -> CoverageView:
    """The coverage as the API shows it."""
    return CoverageView(
        subscriptions=coverage.subscriptions,
        findings=[
            FindingView.model_validate(finding, from_attributes=True)
            for finding in coverage.findings
        ],
        owners_checked=owners_checked,
        total=len(coverage.findings) if total is None else total,
        checked_at=checked_at,
    )


def view_latest_coverage(kept: LatestCoverage) -> CoverageView:
    """What was kept of a check, as the API shows it."""
    return view_coverage(
        kept.coverage,
        owners_checked=kept.owners_checked,
        checked_at=kept.checked_at,
        total=kept.total,
    )

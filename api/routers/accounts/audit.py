"""The audit log and its chain (CONTRACT section 6, docs/operators/audit-log.md)."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.sessions import Reader, ReadSession
from api.context import ContextDep, state_of
from api.reads.audit_exports import ExportedAuditLog
from api.schemas.accounts.audit import (
    AuditChainView,
    AuditEntryView,
    CoverageView,
    view_audit_entry,
    view_chain,
    view_coverage,
    view_latest_coverage,
)
from api.schemas.common import Instant, any_case
from api.schemas.pages import CursorPageOf
from api.transport.exact_json import respond
from api.transport.pagination import COUNTED_AT_MOST, ListRangeDep, list_range_envelope
from api.transport.refused.forms import HEAD_OF_CHAIN
from api.transport.route import Router
from billing.audit_log.chain import Head
from billing.audit_log.formats import AuditFormat
from billing.errors import NotFound
from repositories import audit_log
from repositories.audit_log import Filter
from services.audit_chain import check_part
from services.operations.coverage import Coverage, check_coverage
from services.operations.kept_coverage import LatestCoverage, find_kept_coverage

router = Router(prefix="/audit", tags=["Audit"])
exports = Router(prefix="/exports", tags=["Audit"])

MOST_POSITION: Final = 2**63 - 1

EXPORTED: Final[dict[str, Any]] = {
    "description": "The entries, in the order of the chain.",
    "content": {
        "application/x-ndjson": {"schema": {"type": "string", "title": "One entry a line"}},
        "text/csv": {"schema": {"type": "string", "title": "One entry a row"}},
    },
}

Exact = Annotated[str | None, Query(min_length=1, max_length=200)]


def get_filter(
    session: ReadSession,
    principal: Reader,
    actor: Exact = None,
    action: Exact = None,
    object_type: Exact = None,
    thing: Annotated[UUID | None, Query(alias="object", description="The id of the thing.")] = None,
    since: Annotated[Instant | None, Query(description="The first instant.")] = None,
    until: Annotated[Instant | None, Query(description="The instant before which.")] = None,
) -> Filter:
    """The entries that the query asks for: those that have all of it.

    Raises NotFound ``object_not_found`` for an id of which the log says nothing (CONTRACT 97).
    """
    if thing is not None and not audit_log.is_recorded(session, principal.organization_id, thing):
        raise NotFound("Nothing in the log is of it.", code="object_not_found", field="object")
    return Filter(
        actor=actor,
        action=action,
        object_type=object_type,
        object_id=thing,
        since=since,
        until=until,
    )


FilterDep = Annotated[Filter, Depends(get_filter)]


@router.get("", response_model=CursorPageOf[AuditEntryView])
def list_audit_entries(
    session: ReadSession, principal: Reader, list_range: ListRangeDep, wanted: FilterDep
) -> Response:
    """List what was done and by whom, newest first."""
    size = list_range.page.size
    # One more than is shown tells whether the list goes on.
    found = audit_log.list_entries(
        session,
        principal.organization_id,
        wanted,
        before=list_range.after,
        offset=list_range.offset,
        limit=size + 1,
    )
    total = audit_log.count_entries(
        session, principal.organization_id, wanted, at_most=COUNTED_AT_MOST + 1
    )
    shown = found[:size]
    last = (shown[-1].entry.at, shown[-1].entry.id) if len(found) > size else None
    entries = [view_audit_entry(one) for one in shown]
    return respond(list_range_envelope(entries, list_range, total, last))


@router.get("/chain", response_model=AuditChainView)
def verify_audit_chain(
    session: ReadSession,
    principal: Reader,
    after: Annotated[
        int, Query(ge=0, le=MOST_POSITION, description="`next_after` of the part before.")
    ] = 0,
    head: Annotated[
        str | None,
        Query(pattern=HEAD_OF_CHAIN, description="A head that you kept: `POSITION:DIGEST`."),
    ] = None,
) -> Response:
    """Verify the chain of the audit log, 5,000 entries at a time.

    Names the first broken link.
    """
    kept = None if head is None else read_head(head)
    part = check_part(session, principal.organization_id, after=after, kept=kept)
    return respond(view_chain(part))


def read_head(text: str) -> Head:
    """A head as people keep it."""
    position, _, digest = text.partition(":")
    return Head(position=int(position), digest=digest)


@exports.get("/audit", response_class=ExportedAuditLog, status_code=200, responses={200: EXPORTED})
def export_audit_log(
    principal: Reader,
    request: Request,
    wanted: FilterDep,
    language: Annotated[
        AuditFormat, any_case(AuditFormat), Query(alias="format")
    ] = AuditFormat.NDJSON,
) -> ExportedAuditLog:
    """Export the audit log in the order of its chain, so that anybody can verify it."""
    return ExportedAuditLog(state_of(request.app), principal.organization_id, wanted, language)


@router.get("/coverage", response_model=CoverageView)
async def get_audit_coverage(
    principal: Reader,
    context: ContextDep,
    latest: Annotated[
        bool, Query(description="What the last hourly check found, at once, instead of a new one.")
    ] = False,
) -> Response:
    """Show whether every subscription's periods tile its life and its workflow runs.

    With `latest` bills that wait for people are those that wait now; where nothing was checked yet,
    it is checked now.
    """

    def find_kept() -> LatestCoverage | None:
        with context.transactions.for_organization(principal.organization_id) as session:
            return find_kept_coverage(session, principal.organization_id)

    kept = await run_in_threadpool(find_kept) if latest else None
    if kept is not None:
        return respond(view_latest_coverage(kept))
    running = await context.find_running(principal.organization_id)

    def check() -> Coverage:
        with context.transactions.for_organization(principal.organization_id) as session:
            return check_coverage(session, principal.organization_id, running, now=now)

    now = context.now()
    found = await run_in_threadpool(check)
    return respond(view_coverage(found, owners_checked=running is not None, checked_at=now))

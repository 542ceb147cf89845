"""The audit log (CONTRACT section 6)."""

from __future__ import annotations

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.access.sessions import Reader, ReadSession
from api.context import ContextDep
from api.schemas.accounts.audit import AuditEntryView, CoverageView, view_audit_entry, view_coverage
from api.schemas.pages import CursorPageOf
from api.transport.exact_json import respond
from api.transport.pagination import COUNTED_AT_MOST, ListRangeDep, list_range_envelope
from api.transport.route import Router
from repositories import audit_log
from services.operations.coverage import Coverage, check_coverage

router = Router(prefix="/audit", tags=["Audit"])


@router.get("", response_model=CursorPageOf[AuditEntryView])
def list_audit_entries(
    session: ReadSession, principal: Reader, list_range: ListRangeDep
) -> Response:
    """List what was done and by whom, newest first."""
    size = list_range.page.size
    # One more than is shown tells whether the list goes on.
    found = audit_log.list_entries(
        session,
        principal.organization_id,
        before=list_range.after,
        offset=list_range.offset,
        limit=size + 1,
    )
    total = audit_log.count_entries(session, principal.organization_id, at_most=COUNTED_AT_MOST + 1)
    shown = found[:size]
    last = (shown[-1].at, shown[-1].id) if len(found) > size else None
    entries = [view_audit_entry(entry) for entry in shown]
    return respond(list_range_envelope(entries, list_range, total, last))


@router.get("/coverage", response_model=CoverageView)
async def get_audit_coverage(principal: Reader, context: ContextDep) -> Response:
    """Show whether every subscription's periods tile its life and its workflow runs."""
    running = await context.find_running(principal.organization_id)

    def check() -> Coverage:
        with context.transactions.for_organization(principal.organization_id) as session:
            return check_coverage(session, principal.organization_id, running, now=context.now())

    found = await run_in_threadpool(check)
    return respond(view_coverage(found, owners_checked=running is not None))

"""The audit log (CONTRACT 6)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.decimal_json import LosslessRoute, respond
from api.dependencies import Reader, ReadSession
from api.pagination import COUNTED_AT_MOST, StretchDep, stretch_envelope
from api.schemas.audit import view_audit_entry
from repositories import audit

router = APIRouter(prefix="/audit", tags=["Audit"], route_class=LosslessRoute)


@router.get("")
def list_audit_entries(session: ReadSession, principal: Reader, stretch: StretchDep) -> Response:
    """List what was done and by whom, newest first."""
    size = stretch.page.size
    # One more than is shown tells whether the list goes on.
    found = audit.list_entries(
        session,
        principal.organization_id,
        before=stretch.after,
        offset=stretch.offset,
        limit=size + 1,
    )
    total = audit.count_entries(session, principal.organization_id, at_most=COUNTED_AT_MOST + 1)
    shown = found[:size]
    last = (shown[-1].at, shown[-1].id) if len(found) > size else None
    entries = [view_audit_entry(entry) for entry in shown]
    return respond(stretch_envelope(entries, stretch, total, last))

"""The audit log on the wire (CONTRACT 6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.schemas.common import Moment, View
from models.audit import AuditEntry


class AuditEntryView(View):
    """Who did what to which thing, and what it looked like before and after."""

    id: UUID
    at: Moment
    actor: str
    action: str
    object_type: str
    object_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


def view_audit_entry(entry: AuditEntry) -> AuditEntryView:
    """The entry as the API shows it."""
    return AuditEntryView.model_validate(entry, from_attributes=True)

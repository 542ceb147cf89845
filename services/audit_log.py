"""The audit log: every service that changes something records it in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from sqlmodel import Session

from models.audit_log import AuditEntry
from repositories import audit_log as stored_audit_log

ACTOR = "actor"
"""Key of ``session.info`` under which an edge leaves who acts, such as ``user:<id>``."""

REQUEST_ID = "request_id"
"""Key of ``session.info`` under which an edge leaves the request that caused it."""

SYSTEM = "system"
"""The actor of what happens by itself: workflows, relays, commands of the operator."""


SECRET_ENDINGS = ("password", "secret", "token")
"""How the names of values end that nobody may read again."""

REDACTED = "[redacted]"


def record(
    session: Session,
    organization_id: UUID,
    action: str,
    object_type: str,
    object_id: UUID | None,
    *,
    now: datetime,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Who did what to which thing is in the audit log, if the transaction commits.

    The log shows ``before`` and ``after`` to whoever may read it, and for ever: values whose names
    say that they are secret are left out of them, and whoever records a person's data names what
    changed and not the value. Amounts and instants are stored as text.
    """
    stored_audit_log.insert_entry(
        session,
        AuditEntry(
            organization_id=organization_id,
            at=now,
            actor=session.info.get(ACTOR, SYSTEM),
            action=action,
            object_type=object_type,
            object_id=object_id,
            before=None if before is None else _document(before),
            after=None if after is None else _document(after),
            request_id=session.info.get(REQUEST_ID),
        ),
    )


def _document(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _shown(name, value) for name, value in values.items()}


def _shown(name: str, value: object) -> object:
    is_secret = value is not None and name.casefold().endswith(SECRET_ENDINGS)
    return REDACTED if is_secret else _plain(value)


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | str() as plain if not isinstance(plain, Enum):
            return plain
        case Enum():
            return value.value
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(name): _shown(str(name), inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)

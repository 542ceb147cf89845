"""The audit log: every service that changes something records it in the same transaction.

Entries are bound to each other when the transaction commits, as the last thing that it does: the
lock of the chain comes after all others, so that it can close no circle, and is held no longer than
a commit takes. Source: docs/decisions/0058.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final
from uuid import UUID

from sqlalchemy import event
from sqlmodel import Session

from billing.audit_log.chain import link_entry
from models.audit_log import AuditEntry, AuditLink
from repositories import audit_links as stored_audit_links
from repositories import audit_log as stored_audit_log

ACTOR = "actor"
"""Key of ``session.info`` under which an edge leaves who acts, such as ``user:<id>``."""

REQUEST_ID = "request_id"
"""Key of ``session.info`` under which an edge leaves the request that caused it."""

SYSTEM = "system"
"""The actor of what no person, key, workflow or operator asked for, such as relays of an API."""

WORKFLOW = "workflow"
"""The actor of what workers do: bills, payments, the hourly check."""

OPERATOR = "operator"
"""The actor of what is done by commands on the machine itself."""

UNLINKED: Final = "audit_entries"
"""Key of ``session.info`` under which entries wait for the commit that binds them."""

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
    """Who did what to which thing is in the audit log and its chain, if the transaction commits.

    The log shows ``before`` and ``after`` to whoever may read it, and for ever: values whose names
    say that they are secret are left out of them, and whoever records a person's data names what
    changed and not the value. Amounts and instants are stored as text.
    """
    entry = AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=session.info.get(ACTOR, SYSTEM),
        action=action,
        object_type=object_type,
        object_id=object_id,
        before=None if before is None else _document(before),
        after=None if after is None else _document(after),
        request_id=session.info.get(REQUEST_ID),
    )
    stored_audit_log.insert_entry(session, entry)
    if UNLINKED not in session.info:
        session.info[UNLINKED] = []
        event.listen(session, "before_commit", _link_entries)
    session.info[UNLINKED].append(entry)


def link_standing(session: Session, organization_id: UUID, *, limit: int, now: datetime) -> int:
    """Entries that have no place in the chain have one, oldest first; how many had none.

    Processes of a version before the chain write such, while they run beside new ones. That it was
    done is in the log. Idempotent: what has a place keeps it.
    """
    stored_audit_links.lock_chains(session, {organization_id}, begun_at=now)
    unlinked = stored_audit_links.list_unlinked(session, organization_id, limit=limit)
    if unlinked:
        _bind(session, stored_audit_log.list_by_id(session, organization_id, unlinked))
        record(
            session,
            organization_id,
            "audit.linked",
            "organization",
            organization_id,
            after={"entries": [str(one) for one in unlinked]},
            now=now,
        )
    return len(unlinked)


def _link_entries(session: Session) -> None:
    """Every entry of the transaction has its place, in the order in which they were recorded."""
    if session.in_nested_transaction():
        return
    # What waits to be written takes its locks before the chain's.
    session.flush()
    # What a savepoint took back is no longer of the session.
    entries = [one for one in session.info[UNLINKED] if one in session]
    session.info[UNLINKED] = []
    if entries:
        _bind(session, entries)


def _bind(session: Session, entries: Sequence[AuditEntry]) -> None:
    """These entries are bound, in this order, behind the ends of their chains."""
    heads = stored_audit_links.lock_chains(
        session, {one.organization_id for one in entries}, begun_at=entries[0].at
    )
    links = []
    for entry in entries:
        before = heads[entry.organization_id]
        head = heads[entry.organization_id] = link_entry(entry, before)
        assert head.digest is not None
        links.append(
            AuditLink(
                organization_id=entry.organization_id,
                position=head.position,
                entry_id=entry.id,
                previous_digest=before.digest,
                digest=head.digest,
            )
        )
    stored_audit_links.insert_links(session, links)


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

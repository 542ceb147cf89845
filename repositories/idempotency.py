"""Answers kept for requests that carry an Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.idempotency import IdempotencyRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestName:
    """What makes two requests the same one: organization, method, path and key."""

    organization_id: UUID
    method: str
    path: str
    key: str


def try_lock_request(session: Session, name: RequestName) -> bool:
    """Whether nobody else answers this request; then nobody will before the transaction ends."""
    text = f"idempotency:{name.organization_id}:{name.method}:{name.path}:{name.key}"
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(text, 0))
    return bool(session.scalar(select(lock)))


def find_answer(session: Session, name: RequestName) -> IdempotencyRequest | None:
    """The answer that was kept, however old, or None."""
    return session.get(IdempotencyRequest, (name.organization_id, name.method, name.path, name.key))


def save_answer(
    session: Session,
    name: RequestName,
    *,
    fingerprint: str,
    status: int,
    body: str,
    created_at: datetime,
) -> None:
    """Keep an answer in place of an older one to the same request."""
    values = {
        "fingerprint": fingerprint,
        "status": status,
        "body": body,
        "created_at": created_at,
    }
    session.execute(
        insert(IdempotencyRequest)
        .values(
            organization_id=name.organization_id,
            method=name.method,
            path=name.path,
            key=name.key,
            **values,
        )
        .on_conflict_do_update(constraint="pk_idempotency_request", set_=values)
    )


def delete_answers_before(session: Session, organization_id: UUID, instant: datetime) -> None:
    """Forget answers older than ``instant``."""
    session.execute(
        delete(IdempotencyRequest).where(
            col(IdempotencyRequest.organization_id) == organization_id,
            col(IdempotencyRequest.created_at) < instant,
        )
    )

"""Commitments of plans."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from models.catalog.commitments import Commitment
from repositories.pages import read_page


def insert_commitment(session: Session, commitment: Commitment) -> None:
    """Store a new commitment."""
    session.add(commitment)
    session.flush()


def find_commitment(
    session: Session, organization_id: UUID, plan_id: UUID, commitment_id: UUID
) -> Commitment | None:
    """The commitment of that plan, ended or not, or None."""
    found = session.get(Commitment, (organization_id, commitment_id))
    return found if found is not None and found.plan_id == plan_id else None


def has_any(session: Session, organization_id: UUID) -> bool:
    """Whether any plan of the organization has a commitment, or had one."""
    its = select(Commitment.id).where(Commitment.organization_id == organization_id)
    return session.exec(its.limit(1)).first() is not None


def list_in_force(session: Session, organization_id: UUID, plan_id: UUID) -> Sequence[Commitment]:
    """The commitments of a plan that were not ended, oldest first."""
    return session.exec(
        select(Commitment)
        .where(
            Commitment.organization_id == organization_id,
            Commitment.plan_id == plan_id,
            col(Commitment.ended_at).is_(None),
        )
        .order_by(col(Commitment.created_at), col(Commitment.id))
    ).all()


def list_commitments(
    session: Session, organization_id: UUID, plan_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Commitment], int]:
    """A page of all that a plan has or had, oldest first, and how many there are."""
    matching = select(Commitment).where(
        Commitment.organization_id == organization_id, Commitment.plan_id == plan_id
    )
    return read_page(session, matching, offset=offset, limit=limit)

"""Limits of organizations' own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.accounts.limits import OrganizationLimit

CHANGES: Final = "fluxrate_limits"
"""Where a commit tells whose limits it changed."""


def list_limits(session: Session) -> Sequence[OrganizationLimit]:
    """Every limit of the organizations that the transaction sees."""
    order = (col(OrganizationLimit.organization_id), col(OrganizationLimit.name))
    return session.exec(select(OrganizationLimit).order_by(*order)).all()


def find_limit(session: Session, organization_id: UUID, name: str) -> int | None:
    """How much of one thing an organization may, None if that is not said of it."""
    return session.exec(
        select(OrganizationLimit.most).where(
            OrganizationLimit.organization_id == organization_id, OrganizationLimit.name == name
        )
    ).one_or_none()


def put_limit(session: Session, organization_id: UUID, name: str, most: int | None) -> None:
    """The limit is this, or that of everybody; whoever listens is told by the commit.

    Idempotent by organization and name.
    """
    if most is None:
        session.execute(
            delete(OrganizationLimit).where(
                col(OrganizationLimit.organization_id) == organization_id,
                col(OrganizationLimit.name) == name,
            )
        )
    else:
        row = insert(OrganizationLimit).values(
            organization_id=organization_id, name=name, most=most
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=["organization_id", "name"], set_={"most": row.excluded.most}
            )
        )
    session.execute(
        text("SELECT pg_notify(:channel, :told)"),
        {"channel": CHANGES, "told": str(organization_id)},
    )

"""Organizations and the directory of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.errors import NotFound
from models.accounts.organizations import Organization, OrganizationDirectory


def get_organization(session: Session, organization_id: UUID) -> Organization:
    """The organization with its settings. Raises NotFound ``organization_not_found``."""
    organization = session.get(Organization, organization_id)
    if organization is None:
        raise _no_such_organization()
    return organization


def lock_organization(session: Session, organization_id: UUID) -> Organization:
    """The organization with its row locked until the transaction ends.

    Raises: NotFound ``organization_not_found``.
    """
    organization = session.exec(
        select(Organization)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if organization is None:
        raise _no_such_organization()
    return organization


def insert_organization(session: Session, organization: Organization) -> None:
    """Store a new organization, and its id in the directory that relays walk through."""
    session.add(organization)
    session.flush()
    session.add(OrganizationDirectory(id=organization.id))
    session.flush()


def lock_directory(session: Session) -> None:
    """Whoever wants to be the first organization does so one after the other."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('organization_directory'))"))


def is_directory_empty(session: Session) -> bool:
    """Whether there is no organization yet."""
    return session.exec(select(OrganizationDirectory.id).limit(1)).first() is None


def list_directory(session: Session) -> Sequence[UUID]:
    """The ids of all organizations, oldest first."""
    return session.exec(
        select(OrganizationDirectory.id).order_by(col(OrganizationDirectory.id))
    ).all()


def list_directory_after(session: Session, after: UUID | None, *, limit: int) -> Sequence[UUID]:
    """The ids of the next organizations after one, or of the first, oldest first."""
    ordered = select(OrganizationDirectory.id).order_by(col(OrganizationDirectory.id)).limit(limit)
    if after is not None:
        ordered = ordered.where(col(OrganizationDirectory.id) > after)
    return session.exec(ordered).all()


def _no_such_organization() -> NotFound:
    return NotFound("Organization not found", code="organization_not_found")

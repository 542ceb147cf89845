"""An installation of many organizations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from models.accounts.organizations import Organization, OrganizationDirectory
from models.base import new_id
from tests.servers import superuser_engine

ORGANIZATIONS = 5_000


def add_organizations(url: str, *, now: datetime) -> Sequence[UUID]:
    """Five thousand organizations without anything, by the tables' owner."""
    owner = superuser_engine(url)
    ids = [new_id() for _ in range(ORGANIZATIONS)]
    with Session(owner) as session:
        session.add_all(
            Organization(id=one, name="Shop", slug=str(one), created_at=now) for one in ids
        )
        session.flush()
        session.add_all(OrganizationDirectory(id=one) for one in ids)
        session.commit()
    owner.dispose()
    return ids

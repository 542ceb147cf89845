"""Limits of an organization's own: set by the operator, read by every process of the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from repositories.accounts import limits as stored_limits
from repositories.accounts.organizations import list_directory
from repositories.transactions import Transactions
from services.audit_log import record


def set_limits(
    session: Session, organization_id: UUID, limits: Mapping[str, int | None], *, now: datetime
) -> None:
    """The limits are these from the commit on, None being the installation's; the log says so.

    Idempotent by name: what is so already is not recorded again.
    """
    before = {name: stored_limits.find_limit(session, organization_id, name) for name in limits}
    changed = {name: most for name, most in limits.items() if before[name] != most}
    for name, most in changed.items():
        stored_limits.put_limit(session, organization_id, name, most)
    if changed:
        record(
            session,
            organization_id,
            "organization.limits_changed",
            "organization",
            organization_id,
            now=now,
            before={name: before[name] for name in changed},
            after=changed,
        )


def read_own_limits(transactions: Transactions) -> Mapping[UUID, Mapping[str, int]]:
    """By organization, what is said of it alone; most have none."""
    with transactions.for_organizations([]) as session:
        everybody = list_directory(session)
    found: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    with transactions.for_organizations(everybody) as session:
        for one in stored_limits.list_limits(session):
            found[one.organization_id][one.name] = one.most
    return found

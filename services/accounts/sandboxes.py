"""Sandboxes: a twin of an organization, to try things in without anybody being billed.

Source: CONTRACT 102.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from models.accounts.organizations import Organization
from models.base import new_id
from repositories.accounts import organizations as stored_organizations
from repositories.transactions import name_organizations
from services.audit_log import record

OWN: Final = frozenset(
    {
        *("id", "name", "slug", "sandbox_id", "sandbox_of", "created_at", "embed_hosts"),
        "require_second_factor",
        *("smtp_host", "smtp_port", "smtp_username", "sealed_smtp_password", "smtp_use_tls"),
        *("smtp_from_email", "smtp_from_name", "smtp_reply_to"),
    }
)
"""What a sandbox does not take over: who it is, and whatever reaches people outside."""


def make_sandbox(
    session: Session, organization_id: UUID, *, now: datetime
) -> tuple[Organization, bool]:
    """The organization's sandbox, and whether it was made just now, billing as the organization.

    The transaction sees both from here on. Idempotent by the organization: it has one at most.
    Raises Conflict ``is_sandbox`` in a sandbox.
    """
    organization = stored_organizations.lock_organization(session, organization_id)
    if organization.sandbox_of is not None:
        raise Conflict("This is a sandbox, which has none of its own.", code="is_sandbox")
    sandbox_id = organization.sandbox_id or new_id()
    name_organizations(session, [organization_id, sandbox_id])
    if organization.sandbox_id is not None:
        return stored_organizations.get_organization(session, sandbox_id), False
    settings = {name: getattr(organization, name) for name in Organization.model_fields}
    sandbox = Organization(
        **{name: value for name, value in settings.items() if name not in OWN},
        id=sandbox_id,
        name=f"{organization.name} (sandbox)",
        slug=f"{organization.slug}-sandbox",
        sandbox_of=organization_id,
        created_at=now,
    )
    stored_organizations.insert_organization(session, sandbox)
    organization.sandbox_id = sandbox_id
    session.add(organization)
    session.flush()
    made = (
        (organization_id, "organization.sandbox_created", {"sandbox_id": str(sandbox_id)}),
        (sandbox_id, "organization.created", {"name": sandbox.name}),
    )
    for of, action, after in made:
        record(session, of, action, "organization", of, now=now, after=after)
    return sandbox, True


def is_sandbox(session: Session, organization_id: UUID) -> bool:
    """Whether an organization is the sandbox of another."""
    organization = stored_organizations.get_organization(session, organization_id)
    return organization.sandbox_of is not None

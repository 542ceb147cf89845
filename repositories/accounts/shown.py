"""Who is logged in, as it is shown: a person with their organization, by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.accounts.organizations import Organization
from repositories.asynchronous.document_reads import DocumentRead


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """A person, and whose member they are."""

    id: UUID
    email: str
    role: str
    organization: Organization


OWN_ACCOUNTS: Final = DocumentRead(
    """
    SELECT asked.place, json_build_object(
        'id', person.id,
        'email', person.email,
        'role', person.role,
        'organization', organization
    ) AS document
    FROM asked JOIN app_user AS person ON person.organization_id = tenant.id
        AND person.id = asked.id
    JOIN organization ON organization.id = tenant.id""",
    OwnAccount,
)

"""The organization's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session

from billing.money import find_currency
from billing.periods import find_zone
from models.accounts.organizations import Organization
from repositories.accounts import organizations as stored_organizations
from services.addresses import find_country
from services.audit_log import record


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSettings:
    """New values of some settings, by the names of CONTRACT section 6."""

    values: Mapping[str, object]


def change_settings(
    session: Session, organization_id: UUID, command: ChangeSettings, *, now: datetime
) -> Organization:
    """The settings named have their new values; the others keep theirs. Repeatable.

    Raises: InvalidInput ``unknown_timezone``, ``unknown_currency`` or ``unknown_country``.
    """
    values = _checked(command.values)
    organization = stored_organizations.lock_organization(session, organization_id)
    changed = {
        name: value for name, value in values.items() if getattr(organization, name) != value
    }
    if not changed:
        return organization
    before = {name: getattr(organization, name) for name in changed}
    for name, value in changed.items():
        setattr(organization, name, value)
    session.add(organization)
    session.flush()
    record(
        session,
        organization_id,
        "organization.updated",
        "organization",
        organization_id,
        now=now,
        before=_shown_in_audit(before),
        after=_shown_in_audit(changed),
    )
    return organization


def _shown_in_audit(values: Mapping[str, object]) -> dict[str, object]:
    """The values; of a logo its digest, since the log is kept for ever."""
    shown = dict(values)
    match shown.get("logo"):
        case str() as logo:
            shown["logo"] = f"sha256:{sha256(logo.encode()).hexdigest()}"
    return shown


def _checked(settings: Mapping[str, object]) -> dict[str, object]:
    values = dict(settings)
    match values.get("timezone"):
        case str() as name:
            values["timezone"] = find_zone(name).key
    match values.get("currency"):
        case str() as code:
            values["currency"] = find_currency(code).code
    match values.get("billing_address_country"):
        case str() as country:
            values["billing_address_country"] = find_country(
                country, field="billing_address_country"
            )
    return values

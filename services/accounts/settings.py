"""The organization's settings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.money import find_currency
from billing.notifications.mails import mail_address
from billing.notifications.receivers import read_mail_server
from billing.payments.dunning import read_dunning, read_reminder_days
from billing.periods import find_zone
from models.accounts.organizations import Organization
from repositories.accounts import organizations as stored_organizations
from repositories.accounts import second_factors as stored_factors
from services.accounts.credentials import Sealing, SecretKeyMissing
from services.accounts.embed_hosts import read_hosts
from services.addresses import find_country
from services.audit_log import record

GIVEN: Final = "smtp_password"
SEALED: Final = "sealed_smtp_password"
BELONGING: Final = frozenset({"smtp_host", "smtp_port", "smtp_username"})
"""Where a password was given for, and whom of."""
MAILBOXES: Final = frozenset({"smtp_from_email", "smtp_reply_to", "contact_email"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSettings:
    """New values of some settings, by the names of CONTRACT section 6."""

    values: Mapping[str, object]


def place_of_smtp_password(organization_id: UUID) -> str:
    """Where the password of an organization's mail server is sealed for."""
    return f"organization/{organization_id}/{GIVEN}"


def change_settings(
    session: Session,
    organization_id: UUID,
    command: ChangeSettings,
    *,
    by: UUID | None = None,
    sealing: Sealing | None = None,
    may_be_private: bool = False,
    now: datetime,
) -> Organization:
    """The settings named have their new values; the others keep theirs. Repeatable.

    ``by`` is the member who changes them; ``sealing`` is needed for a password; ``may_be_private``
    lets mail servers be private ones. Raises InvalidInput, which names the setting; Conflict
    ``second_factor_missing``, ``is_sandbox``.
    """
    values, is_given = _checked(command.values), GIVEN in command.values
    organization = stored_organizations.lock_organization(session, organization_id)
    if "dunning" in values:
        values["dunning"] = _merged_dunning(organization, values["dunning"])
    if is_given:
        values[SEALED] = _sealed(organization, values.pop(GIVEN), sealing)
    changed = {
        name: value for name, value in values.items() if getattr(organization, name) != value
    }
    if not changed:
        return organization
    _require_mailboxes(changed)
    if changed.get("require_second_factor"):
        _require_own_factor(session, organization, by)
    if any("smtp_" in name for name in changed):
        _require_mail_server(organization, changed, may_be_private=may_be_private)
        if not is_given:
            _require_same_server(organization, changed)
    before = {name: getattr(organization, name) for name in changed}
    for name, value in changed.items():
        setattr(organization, name, value)
    session.add(organization)
    session.flush()
    _record(session, organization, before, changed, now=now)
    return organization


def _record(
    session: Session,
    organization: Organization,
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    now: datetime,
) -> None:
    record(
        session,
        organization.id,
        "organization.updated",
        "organization",
        organization.id,
        now=now,
        before=_shown_in_audit(before),
        after=_shown_in_audit(after),
    )


def _merged_dunning(organization: Organization, given: object) -> dict[str, object]:
    """What is given of it, and of the rest what is stored. Raises InvalidInput."""
    assert isinstance(given, dict)
    return read_dunning({**organization.dunning, **given}).to_document()


def _sealed(organization: Organization, password: object, sealing: Sealing | None) -> str | None:
    """The password as it is stored: as it was, where it is the same."""
    place = place_of_smtp_password(organization.id)
    stored = organization.sealed_smtp_password
    if not isinstance(password, str):
        return None
    assert sealing is not None, "whoever takes passwords brings what seals them"
    with suppress(SecretKeyMissing):
        if stored is not None and sealing.open(stored, place=place) == password:
            return stored
    return sealing.seal(password, place=place)


def _require_mailboxes(changed: Mapping[str, object]) -> None:
    for name in MAILBOXES & changed.keys():
        address = changed[name]
        if address is not None and mail_address(str(address)) is None:
            raise InvalidInput(
                f"{name} is no address of a mailbox.", code="invalid_email", field=name
            )


def _require_own_factor(session: Session, organization: Organization, by: UUID | None) -> None:
    """Return if whoever asks a second step of everybody takes it too. Raises Conflict.

    Nobody could undo it who locked everybody out, themselves included.
    """
    if organization.sandbox_of is not None:
        raise Conflict(
            "A sandbox is reached by the members of its organization: set it there.",
            code="is_sandbox",
            field="require_second_factor",
        )
    factor = None if by is None else stored_factors.find_factor(session, organization.id, by)
    if factor is None or factor.confirmed_at is None:
        raise Conflict(
            "Set up your own authenticator first, in POST /auth/totp.",
            code="second_factor_missing",
            field="require_second_factor",
        )


def _require_mail_server(
    organization: Organization, changed: Mapping[str, object], *, may_be_private: bool
) -> None:
    """Return if mails can be sent as the settings will say, or none can yet. Raises InvalidInput.

    Source: CONTRACT 68, section 6 (Delivery).
    """
    stored = {name: getattr(organization, name) for name in Organization.model_fields}
    after: dict[str, Any] = {**stored, **changed}
    if after["smtp_host"] is not None:
        read_mail_server(after["smtp_host"], after["smtp_port"], may_be_private=may_be_private)
    if after[SEALED] is not None and not after["smtp_use_tls"] and not may_be_private:
        raise InvalidInput(
            "A password is sent by TLS only: leave smtp_use_tls true, or remove smtp_password.",
            code="smtp_password_needs_tls",
            field="smtp_use_tls",
        )


def _require_same_server(organization: Organization, changed: Mapping[str, object]) -> None:
    """Return if the stored password, which nobody may read, goes where it did before."""
    goes_elsewhere = changed.keys() & BELONGING and changed.get("smtp_host", "") is not None
    if goes_elsewhere and organization.sealed_smtp_password is not None:
        raise InvalidInput(
            "The stored password is sent to no other server: give smtp_password with it, or null.",
            code="smtp_password_missing",
            field=GIVEN,
        )


def _shown_in_audit(values: Mapping[str, object]) -> dict[str, object]:
    """The values; of a logo its digest, since the log is kept for ever; of a password nothing."""
    shown = {(GIVEN if name == SEALED else name): one for name, one in values.items()}
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
    match values.get("embed_hosts"):
        case list() as hosts:
            values["embed_hosts"] = read_hosts(hosts)
    match values.get("reminder_days"):
        case list() as days:
            values["reminder_days"] = list(read_reminder_days(days))
    return values

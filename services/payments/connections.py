"""Connections of an organization to its gateways, and the secrets that open them.

Source: CONTRACT 60, 68, 80, 102, section 6 (Connections).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.notifications.schedule import OLD_SECRET_HOLDS
from billing.payments.gateways import GatewayAccount, Provider
from billing.payments.provider_secrets import SANDBOX_FIELD, check_secrets, is_test_secret
from models.base import new_id
from models.payments.connections import Connection
from repositories.payments import connections as stored_connections
from services.accounts.credentials import Sealing, SecretKeyMissing
from services.accounts.sandboxes import is_sandbox
from services.audit_log import record
from services.payments import tasks
from services.required import not_found

MOST: Final = 20
"""How many connections an organization has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConnection:
    """An account at a provider, with the secrets that were given for it."""

    provider: Provider
    name: str
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditConnection:
    """A new name if there is one, and new secrets: those that are not given stay."""

    name: str | None
    secrets: Mapping[str, str] = field(repr=False)


def place_of(organization_id: UUID, connection_id: UUID) -> str:
    """Where the secrets of a connection are sealed for."""
    return f"connection/{organization_id}/{connection_id}"


def webhook_url_of(connection: Connection, *, public_url: str) -> str:
    """Where the gateway tells what happened."""
    return (
        f"{public_url.rstrip('/')}/api/v1/webhooks/{connection.provider}"
        f"/tenant_{connection.organization_id}/{connection.id}"
    )


def require_secrets(
    provider: Provider, secrets: Mapping[str, str], *, is_sandbox: bool = False
) -> None:
    """Return if the secrets are all that the provider needs, and of a test mode in a sandbox.

    Raises InvalidInput, which names the field. Source: CONTRACT 102.
    """
    check_secrets(provider, secrets)
    if is_sandbox and not is_test_secret(provider, secrets):
        raise InvalidInput(
            "A sandbox takes secrets of the provider's test mode only.",
            code="test_secret_needed",
            field=next(iter(secrets)),
        )


def create_connection(
    session: Session,
    organization_id: UUID,
    command: CreateConnection,
    *,
    sealing: Sealing,
    new_secret: Callable[[], str],
    now: datetime,
) -> Connection:
    """The connection makes the links of invoices that become final from now on.

    Raises InvalidInput ``invalid_secret``, which names the field, Conflict
    ``too_many_connections``.
    """
    require_secrets(
        command.provider, command.secrets, is_sandbox=is_sandbox(session, organization_id)
    )
    _, present = stored_connections.list_connections(session, organization_id, offset=0, limit=1)
    if present >= MOST:
        raise Conflict(f"There are {MOST} connections already.", code="too_many_connections")
    secrets = dict(command.secrets)
    if command.provider is Provider.SANDBOX:
        secrets[SANDBOX_FIELD] = new_secret()
    connection = Connection(
        organization_id=organization_id,
        id=new_id(),
        provider=command.provider,
        name=command.name,
        created_at=now,
    )
    connection.sealed_secrets = _seal(connection, secrets, sealing)
    session.add(connection)
    _record(session, connection, "created", {"name", *command.secrets}, now=now)
    return connection


def edit_connection(
    session: Session,
    organization_id: UUID,
    connection_id: UUID,
    edit: EditConnection,
    *,
    sealing: Sealing,
    now: datetime,
) -> Connection:
    """The connection has its new name and secrets; for a day the former ones prove webhooks too.

    What its gateway refused with the former ones is asked for again.

    Raises NotFound, InvalidInput ``invalid_secret``.
    """
    connection = _require(
        stored_connections.lock_connection(session, organization_id, connection_id)
    )
    if edit.name is not None:
        connection.name = edit.name
    if edit.secrets:
        _rotate(session, connection, edit.secrets, sealing, now=now)
    session.add(connection)
    changed = {*edit.secrets, *(() if edit.name is None else ("name",))}
    _record(session, connection, "updated", changed, now=now)
    return connection


def delete_connection(
    session: Session, organization_id: UUID, connection_id: UUID, *, now: datetime
) -> None:
    """Nothing is begun there any more; what was begun is still heard of. Raises NotFound."""
    connection = _require(
        stored_connections.lock_connection(session, organization_id, connection_id)
    )
    connection.deleted_at = now
    session.add(connection)
    _record(session, connection, "deleted", (), now=now)


def get_connection(session: Session, organization_id: UUID, connection_id: UUID) -> Connection:
    """The connection, unless it is deleted. Raises NotFound."""
    return _require(stored_connections.find_connection(session, organization_id, connection_id))


def open_account(connection: Connection, sealing: Sealing, *, public_url: str) -> GatewayAccount:
    """The account that a connection stands for. Raises SecretKeyMissing."""
    return _account(connection, connection.sealed_secrets, sealing, public_url=public_url)


def open_accounts(
    connection: Connection, sealing: Sealing, *, public_url: str, now: datetime
) -> Sequence[GatewayAccount]:
    """The account by each of the secrets that may prove a webhook now. Raises SecretKeyMissing."""
    accounts = [open_account(connection, sealing, public_url=public_url)]
    if connection.former_until is not None and now < connection.former_until:
        former = connection.sealed_former_secrets
        accounts.append(_account(connection, former, sealing, public_url=public_url))
    return accounts


def _account(
    connection: Connection, sealed: str | None, sealing: Sealing, *, public_url: str
) -> GatewayAccount:
    return GatewayAccount(
        organization_id=connection.organization_id,
        connection_id=connection.id,
        provider=Provider(connection.provider),
        secrets=_open(connection, sealed, sealing),
        webhook_url=webhook_url_of(connection, public_url=public_url),
    )


def _rotate(
    session: Session,
    connection: Connection,
    given: Mapping[str, str],
    sealing: Sealing,
    *,
    now: datetime,
) -> None:
    provider = Provider(connection.provider)
    try:
        former = _open(connection, connection.sealed_secrets, sealing)
    except SecretKeyMissing:
        # Nobody can open them any more: all that the provider needs is given anew.
        former = {}
    # Of the sandbox none is given, which is refused here as a field that it does not have.
    secrets = dict(given) if provider is Provider.SANDBOX else {**former, **given}
    require_secrets(provider, secrets, is_sandbox=is_sandbox(session, connection.organization_id))
    if secrets == former:
        return
    connection.sealed_former_secrets = _seal(connection, former, sealing) if former else None
    connection.former_until = now + OLD_SECRET_HOLDS if former else None
    connection.sealed_secrets = _seal(connection, secrets, sealing)
    tasks.restart(session, connection, now=now)


def _seal(connection: Connection, secrets: Mapping[str, str], sealing: Sealing) -> str:
    place = place_of(connection.organization_id, connection.id)
    return sealing.seal(json.dumps(secrets, sort_keys=True), place=place)


def _open(connection: Connection, sealed: str | None, sealing: Sealing) -> dict[str, str]:
    if sealed is None:
        return {}
    place = place_of(connection.organization_id, connection.id)
    opened: dict[str, str] = json.loads(sealing.open(sealed, place=place))
    return opened


def _require(found: Connection | None) -> Connection:
    if found is None or found.deleted_at is not None:
        raise not_found("Connection")
    return found


def _record(
    session: Session,
    connection: Connection,
    done: str,
    changed: Sequence[str] | set[str],
    *,
    now: datetime,
) -> None:
    session.flush()
    record(
        session,
        connection.organization_id,
        f"connection.{done}",
        "connection",
        connection.id,
        after={
            "provider": connection.provider,
            "name": connection.name,
            "changed": sorted(changed),
        },
        now=now,
    )

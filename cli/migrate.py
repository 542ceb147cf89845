"""``fluxrate migrate``: the database and Temporal know what this version needs."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from cli.output import make_console, refuse
from cli.requirements import require_database, require_temporal
from runtime.database.accounts import ensure_process_account
from runtime.database.migrations import upgrade
from runtime.exit import leave
from runtime.settings import Settings


def migrate() -> NoReturn:
    """Upgrade the schema, and prepare Temporal if one is named; then leave.

    Where migrations have an account of their own, that of the processes is made. Idempotent: what
    is there already stays as it is.
    """
    console = make_console()
    settings = Settings()
    url = settings.migration_database_url or settings.database_url
    if not url:
        refuse("Set DATABASE_URL. An embedded database is migrated by `fluxrate up` itself.")
    require_database(url)
    upgrade(url)
    console.print("The database schema is current.")
    if settings.database_url:
        _prepare_account(url, settings.database_url)
    if settings.temporal_address:
        require_temporal(settings.temporal_address)
        console.print(asyncio.run(prepare_temporal(settings, settings.temporal_address)))
    leave(0)


def _prepare_account(migration_url: str, process_url: str) -> None:
    import psycopg

    try:
        ensure_process_account(migration_url, process_url)
    except psycopg.errors.InsufficientPrivilege as error:
        refuse(
            f"Migrations run as an account that cannot prepare the one of DATABASE_URL"
            f" ({str(error).strip()}). As a superuser, once: CREATE ROLE it with LOGIN, and"
            " GRANT fluxrate_app TO it."
        )


async def prepare_temporal(settings: Settings, address: str) -> str:
    """What was done, or what is left to do where Temporal lets no client do it."""
    from temporalio.service import RPCError, RPCStatusCode

    from runtime.temporal import connect_by, register_namespace, register_search_attributes
    from workflows.names import SEARCH_ATTRIBUTES

    namespace = settings.temporal_namespace
    client = await connect_by(settings, address)
    try:
        await register_namespace(client)
        added = await register_search_attributes(client, SEARCH_ATTRIBUTES)
    except RPCError as error:
        if error.status not in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
            raise
        wanted = ", ".join(f"{name} ({kind})" for name, kind in SEARCH_ATTRIBUTES.items())
        return (
            f"Temporal lets this account make no namespace or search attribute: see to it by its"
            f" own tools that {namespace} is there and has {wanted}."
        )
    return f"Temporal has the namespace {namespace} with our search attributes ({added} new)."

"""What a command needs of the environment, asked for before anything slow is imported."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from cli.output import refuse
from runtime.settings import Settings

if TYPE_CHECKING:
    from repositories.transactions import Transactions

NOTHING_READ: Final = {
    "42P01": "no schema",
    # A server without the application role, which migrations make.
    "22023": "no schema",
    "42501": "no schema that its account may read",
}
"""What there is instead of a schema, by what PostgreSQL answers to the question for it."""


def require_servers(settings: Settings, who: str) -> tuple[str, str]:
    """The database and the Temporal address that the environment names.

    Raises:
        Refusal: one of them is not named.
    """
    if not settings.database_url or not settings.temporal_address:
        refuse(f"{who} needs DATABASE_URL and TEMPORAL_ADDRESS; `fluxrate up` sets both.")
    return settings.database_url, settings.temporal_address


def require_database(url: str) -> None:
    """The operator's database accepts connections, and its server is new enough.

    Raises:
        Refusal: it does not, or is too old.
    """
    import psycopg

    from runtime.database.server import OldServer, require_new_server

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            require_new_server(connection.info.server_version)
    except OldServer as old:
        refuse(f"{without_password(url)}: {old}")
    except psycopg.Error as error:
        refuse(
            f"The database {without_password(url)} does not accept a connection: "
            f"{str(error).strip()}. Correct DATABASE_URL, or unset it to use the embedded one."
        )


def require_schema(transactions: Transactions) -> None:
    """The database has the schema that this program was written for.

    Raises:
        Refusal: it has another, as before an upgrade, or none.
    """
    from psycopg import Error
    from sqlalchemy.exc import DBAPIError

    from runtime.database.schema import newest_revision, present_revision

    try:
        with transactions.for_organizations([]) as session:
            present = present_revision(session)
        found = f"schema {present}" if present else "no schema"
    except DBAPIError as error:
        state = error.orig.sqlstate if isinstance(error.orig, Error) else None
        if state is None or state not in NOTHING_READ:
            raise
        present, found = None, NOTHING_READ[state]
    if present != newest_revision():
        refuse(
            f"The database has {found}, and this version needs {newest_revision()}: run"
            " `fluxrate migrate`, or the version that fits. Before an upgrade try this version on"
            " a copy: `fluxrate restore` brings a backup up to it, and proves every invoice."
        )


def require_temporal(address: str) -> None:
    """Something listens at the operator's Temporal address.

    Raises:
        Refusal: nothing does.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        refuse(
            f"Temporal does not answer at {address}: {error}. Correct TEMPORAL_ADDRESS "
            "(host:port), or unset it to use the embedded server."
        )


def without_password(url: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))

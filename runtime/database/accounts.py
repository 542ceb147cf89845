"""The accounts of a database: whom it belongs to, and as whom processes connect to it.

Three of them, so that none has more than it needs: the superuser makes the other two and reads
whole databases for backups, the owner migrates, and processes connect by an account that can do
nothing but act as the application role. Whoever gets a statement of their own into a request
finds no way back to a role that sees more: ``RESET ROLE`` leads to an account without a table.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from runtime.database.engine import APPLICATION_ROLE

MIGRATIONS: Final = "fluxrate_owner"
PROCESSES: Final = "fluxrate_processes"

LOCK: Final = 7_305_813_220_217_774_002
"""Advisory lock of whoever separates the accounts: the second finds nothing left to do."""

NOT_HANDED_OVER: Final = """
SELECT format('ALTER %%s %%s OWNER TO %%I', kind, name, %(owner)s::text)
FROM (
    SELECT 'pg_class'::regclass AS catalogue, oid, relowner AS owner, oid::regclass::text AS name,
        CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'S')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, proowner, oid::regprocedure::text, 'ROUTINE' FROM pg_proc
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, oid, stxowner,
        format('%%I.%%I', stxnamespace::regnamespace, stxname), 'STATISTICS'
    FROM pg_statistic_ext
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, nspowner, quote_ident(nspname), 'SCHEMA'
    FROM pg_namespace
) AS thing
WHERE owner <> %(owner)s::text::regrole AND oid >= %(first)s
    -- What belongs to an extension stays with it, and a column's sequence goes with its table.
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = catalogue AND objid = thing.oid
            AND (deptype = 'e' OR kind = 'SEQUENCE' AND deptype IN ('a', 'i'))
    )
"""

FIRST_OF_USERS: Final = 16384
"""Objects with smaller numbers are PostgreSQL's own."""


def ensure_database(url: str, name: str) -> None:
    """There is a database of that name beside the one of this superuser's address."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def separate_accounts(url: str) -> None:
    """The database of this superuser's address belongs to ``MIGRATIONS``; ``PROCESSES`` may use it.

    What an earlier version made as the superuser is handed to the owner. Nothing is locked where
    everything is as it should be. Idempotent by what is there.
    """
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        _make_role(connection, APPLICATION_ROLE, "NOLOGIN")
        _make_role(connection, MIGRATIONS, "LOGIN")
        _make_role(connection, PROCESSES, "LOGIN NOINHERIT")
        for account in (MIGRATIONS, PROCESSES):
            _let_act_as_application(connection, account)
        _hand_over(connection)


def ensure_process_account(migration_url: str, process_url: str) -> bool:
    """Processes can log in by their own address, where that names another account than migrations.

    The account is made with the password of its address, and may do nothing but act as the
    application role; one that is there keeps its password. False if there is but one account.

    Raises psycopg.errors.InsufficientPrivilege: the owner's account may not make roles, or may not
    grant the application role: then a superuser does it once.
    """
    processes, migrations = urlsplit(process_url), urlsplit(migration_url)
    account = unquote(processes.username or "")
    if not account or account == unquote(migrations.username or ""):
        return False
    with psycopg.connect(migration_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        _make_role(connection, account, "LOGIN NOINHERIT", unquote(processes.password or ""))
        _let_act_as_application(connection, account)
    return True


def _make_role(
    connection: psycopg.Connection, name: str, attributes: str, password: str = ""
) -> None:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    if known is not None:
        return
    words = sql.SQL("CREATE ROLE {} {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
        sql.Identifier(name), sql.SQL(attributes)
    )
    if password:
        # Only its digest goes to the server, which may write statements into its log.
        digest = connection.pgconn.encrypt_password(
            password.encode(), name.encode(), b"scram-sha-256"
        )
        words += sql.SQL(" PASSWORD {}").format(sql.Literal(digest.decode()))
    connection.execute(words)


def _let_act_as_application(connection: psycopg.Connection, account: str) -> None:
    may = connection.execute(
        "SELECT pg_has_role(%s, %s, 'MEMBER')", [account, APPLICATION_ROLE]
    ).fetchone()
    if may is None or not may[0]:
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(
                sql.Identifier(APPLICATION_ROLE), sql.Identifier(account)
            )
        )


def _hand_over(connection: psycopg.Connection) -> None:
    belongs = connection.execute(
        "SELECT datdba = %s::text::regrole FROM pg_database WHERE datname = current_database()",
        [MIGRATIONS],
    ).fetchone()
    if belongs is None or not belongs[0]:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(connection.info.dbname), sql.Identifier(MIGRATIONS)
            )
        )
    known = {"owner": MIGRATIONS, "first": FIRST_OF_USERS}
    for (statement,) in connection.execute(NOT_HANDED_OVER, known).fetchall():
        connection.execute(statement)

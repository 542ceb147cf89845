"""Roles, grants and row-level security, in one wording for every migration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from alembic import op

APPLICATION_ROLE = "fluxrate_app"
VISIBLE_ORGANIZATIONS = (
    "ANY ((SELECT nullif(current_setting('app.organizations', true), '')::uuid[])::uuid[])"
)


def create_application_role() -> None:
    """The role that processes act as: it owns nothing and sees only what it is granted.

    Roles belong to the server, not the database, so another database may have made it first.
    """
    op.execute(
        f"""
        DO $$ BEGIN
            -- Who migrates may have no right to make roles, where somebody made this one for them.
            IF to_regrole('{APPLICATION_ROLE}') IS NULL THEN
                CREATE ROLE {APPLICATION_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        f"""
        DO $$ BEGIN
            -- Before 16 whoever is a member may act as the role.
            IF NOT pg_has_role(
                current_user,
                '{APPLICATION_ROLE}',
                CASE WHEN current_setting('server_version_num')::int < 160000
                    THEN 'MEMBER' ELSE 'SET' END
            ) THEN
                EXECUTE format('GRANT {APPLICATION_ROLE} TO %I', current_user);
            END IF;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APPLICATION_ROLE}")
    # The readiness probe compares the revision with the program's.
    op.execute(f"GRANT SELECT ON alembic_version TO {APPLICATION_ROLE}")


def protect(table: str, *, column: str = "organization_id", privileges: Sequence[str]) -> None:
    """Force row-level security on a tenant table and grant the application these privileges.

    Append-only tables are granted SELECT and INSERT alone.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY organization ON {table}"
        f" USING ({column} = {VISIBLE_ORGANIZATIONS})"
        f" WITH CHECK ({column} = {VISIBLE_ORGANIZATIONS})"
    )
    grant(table, privileges)


@contextmanager
def unforced(tables: Sequence[str]) -> Iterator[None]:
    """Within this, the owner of these tables sees the rows of every organization."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def allow_lookup(table: str, *, setting: str, condition: str) -> None:
    """Show one row before its organization is known, to whoever already names it.

    ``condition`` compares a column with ``{value}``, the transaction's ``app.lookup_<setting>``.
    """
    value = f"(SELECT nullif(current_setting('app.lookup_{setting}', true), ''))"
    op.execute(
        f"CREATE POLICY lookup_{setting} ON {table} FOR SELECT"
        f" USING ({condition.format(value=value)})"
    )


def allow_lookup_locks(table: str, *, setting: str, condition: str) -> None:
    """Let whoever looks rows up lock them as well, and change nothing before it names their owner.

    Locking asks for the right to update; no row passes the check of what an update would write.
    """
    value = f"(SELECT nullif(current_setting('app.lookup_{setting}', true), ''))"
    op.execute(
        f"CREATE POLICY lookup_{setting}_lock ON {table} FOR UPDATE"
        f" USING ({condition.format(value=value)}) WITH CHECK (false)"
    )


def grant(table: str, privileges: Sequence[str]) -> None:
    """Grant the application role privileges on a table."""
    op.execute(f"GRANT {', '.join(privileges)} ON {table} TO {APPLICATION_ROLE}")


def grant_sequence(sequence: str) -> None:
    """Let the application draw numbers from a sequence."""
    op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {APPLICATION_ROLE}")

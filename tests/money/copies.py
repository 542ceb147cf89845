"""A copy of an organization, row for row: what took hundreds of requests is there at once.

Every table is keyed by its organization, so that is all a copy differs in.
"""

from __future__ import annotations

from uuid import UUID

import psycopg
from psycopg import sql

from models.base import new_id
from repositories.transactions import Transactions
from tests.servers import superuser_url

# Each table that belongs to organizations, with its columns besides the organization's id.
TABLES = """
SELECT class.oid::regclass::text, key.attname::text, coalesce(array_agg(
    quote_ident(field.attname) ORDER BY field.attnum
) FILTER (WHERE field.attname <> key.attname), '{}')
FROM pg_class AS class
JOIN pg_attribute AS key ON key.attrelid = class.oid AND key.attname = CASE
    WHEN class.relname IN ('organization', 'organization_directory') THEN 'id'
    ELSE 'organization_id' END
JOIN pg_attribute AS field ON field.attrelid = class.oid AND field.attnum > 0
    AND NOT field.attisdropped AND field.attgenerated = ''
WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p')
    AND NOT class.relispartition
GROUP BY class.oid, key.attname
"""


class Copier:
    """Copies organizations of one database."""

    def __init__(self, transactions: Transactions) -> None:
        address = transactions.address.set(drivername="postgresql")
        self._connection = psycopg.connect(
            superuser_url(address.render_as_string(hide_password=False)), autocommit=True
        )
        # Whole organizations keep all promises, so no row is checked again.
        self._connection.execute("SET session_replication_role = replica")
        tables = self._connection.execute(TABLES).fetchall()
        statements = [
            f"INSERT INTO {table} ({', '.join((key, *others))})"
            f" SELECT {', '.join(('copied', *others))} FROM {table} WHERE {key} = source;"
            for table, key, others in tables
        ]
        body = f"BEGIN {' '.join(statements)} END"
        self._connection.execute(
            sql.SQL(
                "CREATE FUNCTION pg_temp.copy_organization(source uuid, copied uuid) RETURNS void"
                " LANGUAGE plpgsql AS {}"
            ).format(sql.Literal(body))
        )

    def copy(self, organization_id: UUID) -> UUID:
        """Another organization with the same rows; gives its id."""
        made = new_id()
        self._connection.execute(
            "SELECT pg_temp.copy_organization(%s, %s)", [organization_id, made]
        )
        return made

    def close(self) -> None:
        """The connection is closed."""
        self._connection.close()

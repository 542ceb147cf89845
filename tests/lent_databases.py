"""Databases that modules and tests have alone, one after the other, emptied in between.

Cloning the template copies a thousand files, and dropping a database waits for a checkpoint. What a
test leaves is some rows, which are taken away in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

import psycopg

MOST_BYTES: Final = 4 * 2**20
"""How large tables may have grown that are empty now: a database with larger ones is dropped."""

END_OTHERS: Final = """
SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s::int[])
"""

SHAPE: Final = """
SELECT sum(hashtextextended(told, 0))::text FROM (
    SELECT concat_ws(' ', oid, xmin, reltuples) AS told FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', attrelid, attnum, xmin) FROM pg_attribute
        WHERE attrelid >= 16384
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_constraint
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_policy
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_namespace
    UNION ALL SELECT concat_ws(' ', indexrelid, xmin) FROM pg_index WHERE indexrelid >= 16384
    UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', setrole, setconfig) FROM pg_db_role_setting AS setting
        JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
    UNION ALL SELECT concat_ws(' ', datdba, datacl, datconnlimit) FROM pg_database
        WHERE datname = current_database()
    -- A row, but one that says what the schema is.
    UNION ALL SELECT version_num FROM alembic_version
) AS everything
"""
"""What changes with every statement that changes more than rows, or what is known of tables."""

EMPTY: Final = """
DO $$
DECLARE
    one regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '60s';
    FOR one IN
        SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('DELETE FROM %s', one);
    END LOOP;
END $$
"""
"""No table but the schema's own has rows where nobody was yet."""

SIZE: Final = """
SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class LentDatabases:
    """Databases with the current schema and no rows, each lent to one borrower at a time."""

    def __init__(
        self, make: Callable[[], str], drop: Callable[[str], None], url_of: Callable[[str], str]
    ) -> None:
        """``make`` gives the name of a new one; ``url_of`` a superuser's address by its name."""
        self._make = make
        self._drop = drop
        self._url_of = url_of
        self._free: list[str] = []
        self._shape: str | None = None

    def lend(self) -> str:
        """The name of one that is nobody's."""
        if self._free:
            return self._free.pop()
        name = self._make()
        if self._shape is None:
            with self._look_at(name) as owner:
                self._shape = _shape_of(owner)
        return name

    def take_back(self, name: str, *, staying: Collection[int] = ()) -> None:
        """It is as it was made, or dropped; whoever is connected is out but for ``staying``.

        Those are the server's processes for connections in which nothing is open.
        """
        with self._look_at(name) as owner:
            owner.execute(END_OTHERS, [list(staying)])
            is_good = self._is_as_made(owner)
        if is_good:
            self._free.append(name)
        else:
            self._drop(name)

    def _is_as_made(self, owner: psycopg.Connection[Any]) -> bool:
        if _shape_of(owner) != self._shape:
            return False
        owner.execute(EMPTY)
        size = owner.execute(SIZE).fetchone()
        return size is not None and size[0] <= MOST_BYTES

    def _look_at(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url_of(name), autocommit=True)


def _shape_of(owner: psycopg.Connection[Any]) -> str:
    row = owner.execute(SHAPE).fetchone()
    assert row is not None
    return str(row[0])

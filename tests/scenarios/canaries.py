"""What names a person wherever it is written, each one found again in whatever was stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.servers import superuser_url

COLUMNS = """
    SELECT namespace.nspname, table_class.relname, attribute.attname
    FROM pg_attribute AS attribute
    JOIN pg_class AS table_class ON table_class.oid = attribute.attrelid
    JOIN pg_namespace AS namespace ON namespace.oid = table_class.relnamespace
    WHERE table_class.relkind IN ('r', 'p') AND NOT table_class.relispartition
        AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
        AND attribute.attnum > 0 AND NOT attribute.attisdropped
"""


class Canaries:
    """Words that stand nowhere else: one for each place that somebody wrote them."""

    def __init__(self) -> None:
        self._mark = f"canary{uuid4().hex[:12]}"
        self._places: list[str] = []

    def word(self, place: str) -> str:
        """What is written there."""
        self._places.append(place)
        return f"{self._mark}-{place}"

    def forms_of(self, place: str) -> list[bytes]:
        """What may be stored of it: the word, and the digest that unique values are counted by."""
        word = f"{self._mark}-{place}".encode()
        digest = hashlib.sha256(word)
        return [word, digest.digest(), digest.hexdigest().encode()]

    def find_in(self, content: bytes) -> set[str]:
        """The places whose words, or digests of them, stand in what was stored."""
        lowered = content.lower()
        return {
            place
            for place in self._places
            if any(form in content or form.lower() in lowered for form in self.forms_of(place))
        }

    def find_in_tables(self, database_url: str) -> dict[str, set[str]]:
        """The columns in which any is found, with what was written there."""
        found: dict[str, set[str]] = {}
        with psycopg.connect(superuser_url(database_url)) as connection:
            columns = connection.execute(COLUMNS).fetchall()
            for schema, table, column in columns:
                for content in _contents(connection, schema, table, column):
                    places = self.find_in(content)
                    if places:
                        found.setdefault(f"{table}.{column}", set()).update(places)
        return found


def _contents(
    connection: psycopg.Connection, schema: str, table: str, column: str
) -> Iterator[bytes]:
    statement = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL").format(
        sql.Identifier(column), sql.Identifier(schema, table), sql.Identifier(column)
    )
    as_text = sql.SQL("SELECT one::text FROM ({}) AS all_of (one)").format(statement)
    for (content,) in connection.execute(as_text):
        # Bytes are shown in hexadecimal digits.
        is_hex = content.startswith("\\x")
        yield bytes.fromhex(content[2:]) if is_hex else content.encode()

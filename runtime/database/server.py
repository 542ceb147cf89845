"""Which PostgreSQL servers this program works on, asked of the number that each reports."""

from __future__ import annotations

from typing import Final

from psycopg import OperationalError

OLDEST_SERVER: Final = 15
"""Periods that are told apart where a column is null (``NULLS NOT DISTINCT``), and ranges of ranges
that are joined (``range_agg`` of multiranges), came with it."""

TESTED_SERVER: Final = 18
"""What every test runs on; a few run on the oldest as well."""


class OldServer(OperationalError):
    """The server lacks what statements use. Whoever connects meets it as a database that is away.

    Its text says which server it is, which is needed, and what to do.
    """


def require_new_server(version_number: int) -> None:
    """The server whose ``server_version_num`` this is has all that statements use.

    0 is what the driver says of one that told no number it can read, as behind some poolers: it is
    taken, since nothing is known against it.

    Raises:
        OldServer: it is too old.
    """
    if 0 < version_number < OLDEST_SERVER * 10_000:
        raise OldServer(
            f"PostgreSQL {spell_version(version_number)} is too old: Fluxrate needs"
            f" {OLDEST_SERVER} or later. Upgrade the server (pg_upgrade, or as your provider does"
            " it), or name another one in DATABASE_URL."
        )


def spell_version(version_number: int) -> str:
    """``server_version_num`` as people write it: 140012 is 14.12, and 90624 is 9.6.24."""
    major, rest = divmod(version_number, 10_000)
    if major >= 10:  # from here on the minor number is all that follows
        return f"{major}.{rest}"
    return f"{major}.{rest // 100}.{rest % 100}"

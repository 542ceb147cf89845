"""What the database's server says of itself: for operators who look for what will go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

_READ: Final = text(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS major_version,
        clock_timestamp() AS clock,
        current_setting('max_connections')::int AS most_connections,
        -- What kind of process it is is shown to superusers alone; clients have both.
        (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL)
            AS connections,
        pg_database_size(current_database()) AS bytes,
        (SELECT version_num FROM alembic_version) AS revision,
        (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user)
            AS sees_everything,
        (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
            AS acts_above_policies,
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
            AS survives_power_cuts,
        has_function_privilege('public.ensure_usage_partition(date)', 'EXECUTE')
            AS makes_partitions,
        (SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.usage_event'::regclass)
            AS partitions
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """The server and the account: ``sees_everything`` is of the one that connected.

    ``acts_above_policies`` is of the role that it acts as, which must see nothing by itself.
    """

    major_version: int
    clock: datetime
    most_connections: int
    connections: int
    bytes: int
    revision: str
    sees_everything: bool
    acts_above_policies: bool
    survives_power_cuts: bool
    makes_partitions: bool
    partitions: int


def read_server_facts(session: Session) -> ServerFacts:
    """One statement over the catalogue."""
    return ServerFacts(**session.execute(_READ).one()._mapping)  # noqa: SLF001  (its public name)

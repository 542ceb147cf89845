"""How many hours the events of an organization lie in, so that a rebuild uses every core."""

from __future__ import annotations

from alembic import op

from migrations import policies

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Have the hours of events counted, and let the application ask for it.

    PostgreSQL takes every timestamp for an hour of its own otherwise, and then aggregates events
    after sorting them all instead of on each core. Nothing but ANALYZE of the whole table counts
    them: autovacuum analyzes partitions alone, and the application owns neither. It waits for
    nobody, since the first event of a month waits for it.
    """
    op.execute(
        "CREATE STATISTICS usage_event_hour ON (date_trunc('hour', timestamp, 'UTC'))"
        " FROM usage_event"
    )
    op.execute(
        """
        CREATE FUNCTION analyze_usage_events() RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN ANALYZE (SKIP_LOCKED) public.usage_event; END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION analyze_usage_events() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION analyze_usage_events() TO {policies.APPLICATION_ROLE}")


def downgrade() -> None:
    op.execute("DROP FUNCTION analyze_usage_events()")
    op.execute("DROP STATISTICS usage_event_hour")

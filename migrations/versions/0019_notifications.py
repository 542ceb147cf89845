"""Whoever relays messages hears of each commit that queued some, and of each revoked key."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Notify in the transaction that queues or revokes, whatever statement does it.

    The kinds of messages and the ids of keys are what is told, each once for a transaction.
    """
    op.execute(
        """
        CREATE FUNCTION notify_queued_messages() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            PERFORM pg_notify('fluxrate_outbox', kind)
            FROM (SELECT DISTINCT kind FROM queued) AS told;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_queued AFTER INSERT ON outbox_message
        REFERENCING NEW TABLE AS queued
        FOR EACH STATEMENT EXECUTE FUNCTION notify_queued_messages()
        """
    )
    op.execute(
        """
        CREATE FUNCTION notify_revoked_key() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            PERFORM pg_notify('fluxrate_revocation', NEW.id::text);
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_revoked AFTER UPDATE OF status ON api_key
        FOR EACH ROW WHEN (NEW.status = 'REVOKED')
        EXECUTE FUNCTION notify_revoked_key()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER notify_revoked ON api_key")
    op.execute("DROP FUNCTION notify_revoked_key()")
    op.execute("DROP TRIGGER notify_queued ON outbox_message")
    op.execute("DROP FUNCTION notify_queued_messages()")

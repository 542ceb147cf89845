"""Whoever trusts sessions for a moment hears of those that end, as of each revoked key."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Notify in the transaction that ends a session or changes what somebody may."""
    op.execute(
        """
        CREATE TRIGGER notify_ended AFTER UPDATE OF revoked_at ON user_session
        FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL)
        EXECUTE FUNCTION notify_revoked_key()
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_changed_role AFTER UPDATE OF role ON app_user
        FOR EACH ROW WHEN (NEW.role <> OLD.role)
        EXECUTE FUNCTION notify_revoked_key()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER notify_changed_role ON app_user")
    op.execute("DROP TRIGGER notify_ended ON user_session")

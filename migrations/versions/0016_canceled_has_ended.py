"""A subscription is canceled if, and only if, it says when it ended."""

from __future__ import annotations

from alembic import op

from migrations import policies

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Rows from before that broke it are mended by what else they know of their end."""
    with policies.unforced(("subscription", "subscription_period")):
        # The periods of a subscription reach to its end; a trial that was given up has none.
        op.execute("""
            UPDATE subscription SET ended_at = coalesce(
                (
                    SELECT max(period.ends_at) FROM subscription_period AS period
                    WHERE period.organization_id = subscription.organization_id
                        AND period.subscription_id = subscription.id
                ),
                canceled_at, deleted_at, start_date
            )
            WHERE status = 'CANCELED' AND ended_at IS NULL
            """)
        op.execute(
            "UPDATE subscription SET ended_at = NULL"
            " WHERE status <> 'CANCELED' AND ended_at IS NOT NULL"
        )
    op.create_check_constraint(
        op.f("ck_subscription_ended_at"),
        "subscription",
        "(status = 'CANCELED') = (ended_at IS NOT NULL)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_subscription_ended_at"), "subscription")

"""Terms that ended under ``ignore`` before marks could say so are settled by the next bill."""

from __future__ import annotations

from alembic import op

from migrations import policies

revision = "0068"
down_revision = "0067"

TABLES = (
    "late_usage_mark",
    "organization",
    "subscription_period",
    "plan_version",
)

MARK = """
    UPDATE late_usage_mark AS mark SET ends_term = true
    FROM organization
    JOIN subscription_period AS former ON former.organization_id = organization.id
    JOIN plan_version AS billing ON billing.organization_id = former.organization_id
        AND billing.plan_id = former.plan_id AND billing.version = former.plan_version
    WHERE organization.late_usage = 'ignore' AND mark.organization_id = organization.id
        AND mark.subscription_id = former.subscription_id AND mark.period_index = former.index
        AND former.status IN ('final', 'void', 'unbilled')
        -- The period had a commitment that the next one, if there is one, had no more. What is not
        -- missing of it is not billed again.
        AND EXISTS (
            SELECT FROM jsonb_array_elements(billing.terms -> 'commitments') AS had
            WHERE NOT EXISTS (
                SELECT FROM subscription_period AS following
                JOIN plan_version AS later ON later.organization_id = following.organization_id
                    AND later.plan_id = following.plan_id
                    AND later.version = following.plan_version
                WHERE following.organization_id = former.organization_id
                    AND following.subscription_id = former.subscription_id
                    AND following.index = former.index + 1
                    AND later.terms -> 'commitments' @> jsonb_build_array(
                        jsonb_build_object('commitment_id', had ->> 'commitment_id'))
            )
        )
    """


def upgrade() -> None:
    with policies.unforced(TABLES):
        op.execute(MARK)


def downgrade() -> None:
    """What is marked stays so: the version before knows what it means."""

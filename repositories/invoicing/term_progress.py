"""What documents say of the charges of a term of a commitment, and of its true-up so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from models.subscriptions.subscriptions import Subscription
from repositories.invoicing.late_policy import MAY_SETTLE_ALONE

# What ``corrections.SAID`` says of one period for corrections, this says of several for terms: in
# money alone, after coupons, and not less what people gave back. A draft counts as it stands.
PROGRESS = text(
    """
    SELECT said.period_index, said.charge_id, sum(said.amount) AS amount
    FROM (
        -- What the periods' own invoices bill, less what coupons take off these lines. What others
        -- billed as a period ran its last one takes off: that is among the corrections below.
        SELECT invoice.period_index, line.charge_id, line.line_total - coalesce((
                SELECT sum(share.amount) FROM invoice_coupon_line AS share
                WHERE share.organization_id = line.organization_id
                    AND share.invoice_id = line.invoice_id AND share.line_position = line.position
            ), 0) AS amount
        FROM invoice
        JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
            AND line.invoice_id = invoice.id
        WHERE invoice.organization_id = :organization_id
            AND invoice.subscription_id = :subscription_id
            AND invoice.period_index = ANY (:indexes)
            AND invoice.kind IN ('period', 'threshold') AND invoice.status <> 'VOID'
            AND invoice.id IS DISTINCT FROM CAST(:draft_id AS uuid)
            AND line.charge_id IS NOT NULL AND line.amount_in_unit IS NULL
        UNION ALL
        -- What final late lines, and notes that correct, have said of them since.
        SELECT part.period_index, part.charge_id, part.amount
        FROM correction_part AS part
        JOIN invoice ON invoice.organization_id = part.organization_id
            AND invoice.id = part.invoice_id
        -- Charges of add-ons stand in no plan, and count as well.
        LEFT JOIN charge ON charge.organization_id = part.organization_id
            AND charge.id = part.charge_id
        WHERE part.organization_id = :organization_id
            AND part.subscription_id = :subscription_id
            AND part.period_index = ANY (:indexes)
            AND NOT part.is_by_hand AND charge.unit IS NULL
            -- A draft counts as it stands: less what was billed of its own period before.
            AND (
                invoice.status NOT IN ('DRAFT', 'VOID')
                OR (
                    invoice.status = 'DRAFT' AND invoice.kind = 'period'
                    AND part.period_index = invoice.period_index
                )
            )
            AND invoice.id IS DISTINCT FROM CAST(:draft_id AS uuid)
    ) AS said
    GROUP BY said.period_index, said.charge_id
    """
)

# People rewrote these bills: their lines name no charges.
REWRITTEN = text(
    """
    SELECT period_index FROM invoice
    WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND period_index = ANY (:indexes) AND kind = 'period' AND status <> 'VOID' AND is_edited
        AND id IS DISTINCT FROM CAST(:draft_id AS uuid)
    """
)

TRUE_UPS = text(
    """
    SELECT CAST(line.calculation #>> '{true_up,commitment,commitment_id}' AS uuid)
            AS commitment_id,
        CAST(line.calculation #>> '{true_up,periods,0,period_index}' AS integer) AS first_index,
        line.line_total AS amount, coalesce((
            SELECT sum(given.amount) FROM credit_note_line AS given
            WHERE given.organization_id = line.organization_id AND given.line_id = line.id
        ), 0) AS given_back
    FROM invoice
    JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
        AND line.invoice_id = invoice.id AND line.type = 'true_up'
    WHERE invoice.organization_id = :organization_id
        AND invoice.subscription_id = :subscription_id AND invoice.has_true_ups
        AND invoice.status NOT IN ('DRAFT', 'VOID')
        AND invoice.id IS DISTINCT FROM CAST(:draft_id AS uuid)
    """
)

# Terms that end with a final bill which knew nothing of it, where the policy leaves late usage
# alone: the true-up is no usage, so the next bill says it all the same.
ENDED_TERMS = text(
    """
    SELECT mark.subscription_id, mark.period_index
    FROM late_usage_mark AS mark
    JOIN subscription_period AS period ON period.organization_id = mark.organization_id
        AND period.subscription_id = mark.subscription_id AND period.index = mark.period_index
    WHERE mark.organization_id = ANY (:organizations)
        AND mark.subscription_id = ANY (:subscriptions)
        AND mark.ends_term AND period.status IN ('final', 'void', 'unbilled')
    ORDER BY mark.subscription_id, mark.period_index
    """
)
LOCK_ENDED_TERMS = text(f"{ENDED_TERMS.text} FOR UPDATE OF mark")

# Terms of which an invoice says something, and which none of its own period ends.
TERMS_SAID = text(
    """
    SELECT DISTINCT CAST(line.calculation #>> '{true_up,periods,-1,period_index}' AS integer)
    FROM invoice_line AS line
    WHERE line.organization_id = :organization_id AND line.invoice_id = :invoice_id
        AND line.type = 'true_up' AND line.calculation #>> '{true_up,own_index}' IS NULL
    """
)

# The mark stays: usage that came late waits for another policy.
SETTLE_ENDED_TERMS = text(
    """
    UPDATE late_usage_mark SET ends_term = false
    WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND period_index = ANY (:indexes)
    """
)

# The version is the newest, so what a former one had and it lacks are commitments that were ended.
# A draft may become final beside this, and know nothing of it.
MARK_ENDED_TERMS = text(
    f"""
    WITH marked AS (
        INSERT INTO late_usage_mark
            (organization_id, subscription_id, period_index, marked_at, ends_term)
        -- The period before the open one, of whoever is on the plan.
        SELECT DISTINCT former.organization_id, former.subscription_id, former.index,
            CAST(:now AS timestamptz), true
        FROM commitment
        JOIN subscription ON subscription.organization_id = commitment.organization_id
            AND subscription.plan_id = commitment.plan_id
            AND subscription.id = coalesce(CAST(:subscription_id AS uuid), subscription.id)
        JOIN subscription_period AS running
            ON running.organization_id = subscription.organization_id
            AND running.subscription_id = subscription.id
            AND running.index = subscription.current_period_index
            AND running.plan_id = commitment.plan_id AND running.plan_version = :version
            AND running.status = 'open'
        JOIN subscription_period AS former ON former.organization_id = running.organization_id
            AND former.subscription_id = running.subscription_id
            AND former.index = running.index - 1
            AND former.plan_id = running.plan_id AND former.status <> 'skipped'
        -- What billed that one had the commitment.
        JOIN plan_version AS billing ON billing.organization_id = former.organization_id
            AND billing.plan_id = former.plan_id AND billing.version = former.plan_version
            AND billing.terms -> 'commitments' @> jsonb_build_array(
                jsonb_build_object('commitment_id', CAST(commitment.id AS text)))
        WHERE commitment.organization_id = :organization_id AND commitment.plan_id = :plan_id
            AND commitment.ended_at IS NOT NULL
        ORDER BY former.subscription_id, former.index
        ON CONFLICT (organization_id, subscription_id, period_index)
            DO UPDATE SET draft_id = NULL, marked_at = excluded.marked_at, ends_term = true
        RETURNING organization_id, subscription_id
    )
    -- Workflows that settle by themselves are woken; the others find the marks at their next bill.
    SELECT marked.subscription_id
    FROM marked
    JOIN organization ON organization.id = marked.organization_id
    JOIN subscription ON subscription.organization_id = marked.organization_id
        AND subscription.id = marked.subscription_id
    WHERE {MAY_SETTLE_ALONE}
    ORDER BY marked.subscription_id
    """  # noqa: S608  (the condition is a constant)
)


class ChargeProgress(NamedTuple):
    """What documents say of a charge of a period, in major units."""

    period_index: int
    charge_id: UUID
    amount: Decimal


class SaidTrueUp(NamedTuple):
    """A final true-up line, the first period of its term, and what people gave back of it."""

    commitment_id: UUID
    first_index: int
    amount: Decimal
    given_back: Decimal


def list_progress(
    session: Session,
    subscription: Subscription,
    indexes: Collection[int],
    *,
    draft_id: UUID | None,
) -> Sequence[ChargeProgress]:
    """What documents say of the charges of periods, all but the draft that is being written."""
    found = session.execute(PROGRESS, _keys(session, subscription, indexes, draft_id))
    return [ChargeProgress(*row) for row in found]


def list_rewritten(
    session: Session,
    subscription: Subscription,
    indexes: Collection[int],
    *,
    draft_id: UUID | None,
) -> Sequence[int]:
    """The periods whose bills people rewrote."""
    found = session.execute(REWRITTEN, _keys(session, subscription, indexes, draft_id))
    return found.scalars().all()


def list_true_ups(
    session: Session, subscription: Subscription, *, draft_id: UUID | None
) -> Sequence[SaidTrueUp]:
    """The true-ups that final documents of a subscription bill, void ones left out."""
    keys = _keys(session, subscription, (), draft_id)
    del keys["indexes"]
    return [SaidTrueUp(*row) for row in session.execute(TRUE_UPS, keys)]


def mark_ended_terms(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    version: int,
    *,
    subscription_id: UUID | None = None,
    now: datetime,
) -> list[UUID]:
    """What ended a term because the open period is billed by this version now is rated again.

    The version is the plan's newest. Of one subscription, or of all of the plan. Gives those whose
    workflows may settle it by themselves. Idempotent.
    """
    session.flush()
    keys = {
        "organization_id": organization_id,
        "plan_id": plan_id,
        "version": version,
        "subscription_id": subscription_id,
        "now": now,
    }
    return list(session.execute(MARK_ENDED_TERMS, keys).scalars())


def list_ended_terms(
    session: Session, subscriptions: Collection[Subscription], *, lock: bool
) -> dict[UUID, list[int]]:
    """The final periods of each with which terms end that no bill has settled; may be locked."""
    ended: dict[UUID, list[int]] = {one.id: [] for one in subscriptions}
    if ended:
        session.flush()
        keys = {
            "organizations": [one.organization_id for one in subscriptions],
            "subscriptions": [one.id for one in subscriptions],
        }
        found = session.execute(LOCK_ENDED_TERMS if lock else ENDED_TERMS, keys)
        for subscription_id, index in found:
            ended[subscription_id].append(index)
    return ended


def list_terms_said(session: Session, organization_id: UUID, invoice_id: UUID) -> list[int]:
    """The last periods of the terms that an invoice settles or corrects without its own period."""
    keys = {"organization_id": organization_id, "invoice_id": invoice_id}
    return list(session.execute(TERMS_SAID, keys).scalars())


def settle_ended_terms(
    session: Session, subscription: Subscription, indexes: Collection[int]
) -> None:
    """A final document says what the terms that end with these periods come to. Idempotent."""
    if indexes:
        keys = {
            "organization_id": subscription.organization_id,
            "subscription_id": subscription.id,
            "indexes": list(indexes),
        }
        session.execute(SETTLE_ENDED_TERMS, keys)


def _keys(
    session: Session, subscription: Subscription, indexes: Collection[int], draft_id: UUID | None
) -> dict[str, object]:
    session.flush()  # plain statements do not do it by themselves
    return {
        "organization_id": subscription.organization_id,
        "subscription_id": subscription.id,
        "indexes": list(indexes),
        "draft_id": draft_id,
    }

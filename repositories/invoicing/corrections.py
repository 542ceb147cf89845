"""What all documents say of the charges of a period: its invoice, late lines, credit notes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.identifiers import ChargeId
from billing.invoicing.corrections import BilledCharge, Forgiven
from billing.rating.lines import CorrectedCharge
from models.base import new_id
from models.invoicing.invoices import Invoice, InvoiceLine
from models.invoicing.late_usage import CorrectionPart
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing.forgiven import list_forgiven
from repositories.invoicing.invoiced_before import list_invoiced_before
from repositories.row_keys import among

SAID = text(
    """
    -- Of a charge that is priced in an own unit all amounts are in that.
    SELECT said.charge_id, charge.unit,
        coalesce(sum(said.amount) FILTER (WHERE NOT said.is_by_hand), 0) AS billed,
        coalesce(-sum(said.amount) FILTER (WHERE said.is_by_hand), 0) AS given_back
    FROM (
        -- What the period's own invoices bill; a draft or void one bills nothing.
        SELECT line.charge_id, coalesce(line.amount_in_unit, line.line_total) AS amount,
            false AS is_by_hand
        FROM invoice
        JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
            AND line.invoice_id = invoice.id
        WHERE invoice.organization_id = :organization_id
            AND invoice.subscription_id = :subscription_id
            AND invoice.period_index = :period_index
            AND invoice.kind IN ('period', 'threshold') AND invoice.status NOT IN ('DRAFT', 'VOID')
            AND line.charge_id IS NOT NULL
        UNION ALL
        -- What coupons took off these lines was never paid, as if people had given it back. Of an
        -- own unit they take nothing, but of the money that its rest became.
        SELECT line.charge_id, -share.amount, true
        FROM invoice
        JOIN invoice_coupon_line AS share ON share.organization_id = invoice.organization_id
            AND share.invoice_id = invoice.id
        JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
            AND line.invoice_id = invoice.id AND line.position = share.line_position
        WHERE invoice.organization_id = :organization_id
            AND invoice.subscription_id = :subscription_id
            AND invoice.period_index = :period_index
            AND invoice.kind = 'period' AND invoice.status NOT IN ('DRAFT', 'VOID')
            AND line.charge_id IS NOT NULL AND line.amount_in_unit IS NULL
        UNION ALL
        -- What late lines and credit notes have said of it since. Notes on the void invoice of the
        -- period itself gave back what that one billed, so they say nothing either.
        SELECT part.charge_id, part.amount, part.is_by_hand
        FROM correction_part AS part
        JOIN invoice ON invoice.organization_id = part.organization_id
            AND invoice.id = part.invoice_id
        WHERE part.organization_id = :organization_id
            AND part.subscription_id = :subscription_id
            AND part.period_index = :period_index
            AND invoice.status NOT IN ('DRAFT', 'VOID')
    ) AS said
    LEFT JOIN charge ON charge.organization_id = :organization_id AND charge.id = said.charge_id
    GROUP BY said.charge_id, charge.unit
    ORDER BY said.charge_id
    """
)

# Lines that billed a charge of a period, with what each has left: what coupons did not take off it
# nor credit notes give back of it, and of a late line no more than it says of that charge.
BILLING_LINES = text(
    """
    SELECT line.id, least(
        coalesce(line.amount_in_unit, line.line_total) - coalesce((
            SELECT sum(coalesce(given.amount_in_unit, given.amount)) FROM credit_note_line AS given
            WHERE given.organization_id = line.organization_id AND given.line_id = line.id
        ), 0) - coalesce((
            SELECT sum(share.amount) FROM invoice_coupon_line AS share
            WHERE share.organization_id = line.organization_id
                AND share.invoice_id = line.invoice_id AND share.line_position = line.position
                AND line.amount_in_unit IS NULL
        ), 0),
        said.amount
    ) AS left
    FROM (
        -- The lines of the period's own invoices.
        SELECT line.id AS line_id, coalesce(line.amount_in_unit, line.line_total) AS amount
        FROM invoice
        JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
            AND line.invoice_id = invoice.id
        WHERE invoice.organization_id = :organization_id
            AND invoice.subscription_id = :subscription_id
            AND invoice.period_index = :period_index
            AND invoice.kind IN ('period', 'threshold') AND line.charge_id = :charge_id
        UNION ALL
        -- Late lines, which may be of several periods and charges: as much as they say of this one.
        SELECT part.line_id, sum(part.amount)
        FROM correction_part AS part
        JOIN invoice_line AS line ON line.organization_id = part.organization_id
            AND line.id = part.line_id AND line.type = 'late_usage'
        WHERE part.organization_id = :organization_id
            AND part.subscription_id = :subscription_id
            AND part.period_index = :period_index AND part.charge_id = :charge_id
        GROUP BY part.line_id
    ) AS said
    JOIN invoice_line AS line ON line.organization_id = :organization_id
        AND line.id = said.line_id
    JOIN invoice ON invoice.organization_id = line.organization_id
        AND invoice.id = line.invoice_id
    -- Only of what is final can be given back, the oldest first.
    WHERE invoice.status IN ('OPEN', 'PAID', 'UNCOLLECTIBLE')
    ORDER BY invoice.created_at, line.position
    """
)

WRITTEN = text(
    """
    SELECT coalesce(sum(line.line_total - coalesce((
        SELECT sum(given.amount) FROM credit_note_line AS given
        WHERE given.organization_id = line.organization_id AND given.line_id = line.id
    ), 0)), 0)
    FROM invoice_line AS line
    WHERE line.organization_id = :organization_id AND line.invoice_id = :invoice_id
        AND line.charge_id IS NULL AND line.type NOT IN ('late_usage', 'credit', 'adjustment')
    """
)

PARTS_OF_INVOICE = text(
    """
    SELECT DISTINCT period_index FROM correction_part
    WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND invoice_id = :invoice_id
    """
)

# What an invoice says of other periods than its own; what people gave back of it is gone with it.
SAID_OF_OTHERS = text(
    """
    SELECT part.period_index, part.charge_id, sum(part.amount) AS amount
    FROM correction_part AS part
    JOIN invoice ON invoice.organization_id = part.organization_id AND invoice.id = part.invoice_id
    WHERE part.organization_id = :organization_id AND part.subscription_id = :subscription_id
        AND part.invoice_id = :invoice_id AND NOT part.is_by_hand
        AND part.period_index IS DISTINCT FROM invoice.period_index
    GROUP BY part.period_index, part.charge_id
    HAVING sum(part.amount) <> 0
    ORDER BY part.period_index, part.charge_id
    """
)


def list_said(
    session: Session, subscription: Subscription, period_index: int
) -> list[BilledCharge]:
    """What all final documents say of each charge of a period.

    The one definition of "billed so far". A draft only forecasts what it will say once it is final.
    Void invoices say nothing; what was forgiven with them stands beside it (CONTRACT 82, 83, 85).
    """
    session.flush()
    keys = _keys(subscription) | {"period_index": period_index}
    said = {
        ChargeId(charge_id): BilledCharge(
            charge_id=ChargeId(charge_id), unit=unit, billed=billed, given_back=given_back
        )
        for charge_id, unit, billed, given_back in session.execute(SAID, keys)
    }
    for row in list_forgiven(session, subscription, period_index):
        if row.charge_id is None:
            continue
        charge_id = ChargeId(row.charge_id)
        known = said.get(charge_id) or BilledCharge(charge_id=charge_id, billed=Decimal(0))
        more = Forgiven(billed=row.billed, amount=row.amount)
        said[charge_id] = replace(known, forgiven=(*known.forgiven, more))
    return list(said.values())


def list_said_of_others(
    session: Session, subscription: Subscription, invoice_id: UUID
) -> list[CorrectedCharge]:
    """What an invoice says of each charge of other periods than its own, the first ones first."""
    keys = _keys(subscription) | {"invoice_id": invoice_id}
    return [
        CorrectedCharge(period_index=index, charge_id=ChargeId(charge_id), amount=amount)
        for index, charge_id, amount in session.execute(SAID_OF_OTHERS, keys)
    ]


def sum_written(session: Session, invoice: Invoice) -> Decimal:
    """What people wrote on an invoice in the place of its charges, less what they gave back."""
    session.flush()
    keys = {"organization_id": invoice.organization_id, "invoice_id": invoice.id}
    return Decimal(session.execute(WRITTEN, keys).scalar_one())


def list_corrected_periods(
    session: Session, subscription: Subscription, invoice_id: UUID
) -> Sequence[int]:
    """The periods that an invoice's late lines, or credit notes on it, correct."""
    keys = _keys(subscription) | {"invoice_id": invoice_id}
    return session.execute(PARTS_OF_INVOICE, keys).scalars().all()


def find_correcting(session: Session, keys: Collection[tuple[UUID, UUID, UUID]]) -> set[UUID]:
    """Which of the invoices, named with organization and subscription, correct any period."""
    columns = (
        col(CorrectionPart.organization_id),
        col(CorrectionPart.subscription_id),
        col(CorrectionPart.invoice_id),
    )
    found = select(CorrectionPart.invoice_id).distinct().where(among(keys, *columns))
    return set(session.exec(found).all())


def list_parts(
    session: Session, organization_id: UUID, line_ids: Sequence[UUID]
) -> Sequence[CorrectionPart]:
    """The parts of some late lines, without those of credit notes."""
    return session.exec(
        select(CorrectionPart)
        .where(
            CorrectionPart.organization_id == organization_id,
            col(CorrectionPart.line_id).in_(line_ids),
            col(CorrectionPart.credit_note_id).is_(None),
        )
        .order_by(col(CorrectionPart.id))
    ).all()


def list_billing_lines(
    session: Session, subscription: Subscription, change: CorrectedCharge
) -> list[tuple[InvoiceLine, Decimal]]:
    """The lines of final invoices that billed a charge of a period, with what is left of each."""
    session.flush()
    keys = _keys(subscription) | {
        "period_index": change.period_index,
        "charge_id": change.charge_id,
    }
    found = []
    for line_id, left in session.execute(BILLING_LINES, keys).all():
        row = session.get(InvoiceLine, (subscription.organization_id, line_id))
        if row is not None and left > 0:
            found.append((row, Decimal(left)))
    before = list_invoiced_before(
        session, subscription.organization_id, {row.invoice_id for row, _ in found}
    )
    rest = [(row, left - before.get(row.id, Decimal(0))) for row, left in found]
    return [(row, left) for row, left in rest if left > 0]


def insert_parts(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    changes: Sequence[CorrectedCharge],
    *,
    invoice_id: UUID,
    line_id: UUID,
    credit_note_id: UUID | None = None,
    is_by_hand: bool = False,
) -> None:
    """A late line, or a credit note on a line, changes these charges."""
    session.add_all(
        CorrectionPart(
            organization_id=organization_id,
            id=new_id(),
            subscription_id=subscription_id,
            period_index=change.period_index,
            charge_id=change.charge_id,
            invoice_id=invoice_id,
            line_id=line_id,
            credit_note_id=credit_note_id,
            is_by_hand=is_by_hand,
            amount=change.amount,
        )
        for change in changes
    )


def _keys(subscription: Subscription) -> dict[str, object]:
    return {
        "organization_id": subscription.organization_id,
        "subscription_id": subscription.id,
    }

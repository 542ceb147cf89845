"""What can still be given back of an invoice's lines: one cap for everything (CONTRACT 82)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.identifiers import ChargeId
from billing.invoicing.bounds import require_creditable
from billing.invoicing.corrections import left_of_rewritten
from billing.money import ZERO, exactly, find_currency
from billing.rating.lines import CorrectedCharge, LineType
from models.invoicing.invoices import Invoice, InvoiceLine
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import credit_notes as stored_credit_notes
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts

ChargeOfPeriod = tuple[int, ChargeId]


class CreditableLines:
    """The lines of one invoice, each with what is left of it.

    A line has left what credit notes did not give back of it, but no more than all documents
    together still bill of its charge and period: late corrections on other invoices count too. Of
    lines that people wrote in a period's draft no more is left than of the period. A line that
    carried credit on has left what still stands on the customer's account.
    """

    def __init__(self, session: Session, invoice: Invoice, rows: Sequence[InvoiceLine]) -> None:
        self._invoice = invoice
        self._rows = {row.id: row for row in rows}
        self.credited = stored_credit_notes.sum_credited_lines(
            session, invoice.organization_id, list(self._rows)
        )
        self._charges = _charges_of(session, invoice, rows)
        self._left = _left_of(session, invoice, self._charges)
        self._rewritten = _left_of_rewritten(session, invoice)
        self._account = (
            customer_accounts.available_credit(
                session, invoice.organization_id, invoice.customer_id, invoice.currency, lock=True
            )
            if invoice.carried_credit > ZERO
            else ZERO
        )

    @exactly
    def left_of(self, row: InvoiceLine) -> Decimal:
        """What can still be given back of a line, in major units, before tax."""
        left = row.line_total - self.credited.get(row.id, ZERO)
        if row.type == LineType.ADJUSTMENT:
            left = min(left, self._account)
        elif row.id in self._charges:
            left = min(left, sum((self._left[one] for one in self._charges[row.id]), ZERO))
        elif self._rewritten is not None:
            left = min(left, self._rewritten)
        return max(ZERO, left)

    @exactly
    def take(self, row: InvoiceLine, amount: Decimal) -> tuple[CorrectedCharge, ...]:
        """Give ``amount`` of a line back, and say which charges it comes off, the first ones first.

        Raises Conflict ``credit_exceeds_line`` with what is left.
        """
        require_creditable(
            left=self.left_of(row), amount=amount, currency=find_currency(self._invoice.currency)
        )
        self.credited[row.id] = self.credited.get(row.id, ZERO) + amount
        if row.type == LineType.ADJUSTMENT:
            self._account -= amount
        elif row.id not in self._charges and self._rewritten is not None:
            self._rewritten -= amount
        changes = []
        for period_index, charge_id in self._charges.get(row.id, ()):
            part = min(amount, self._left[period_index, charge_id])
            if part > ZERO:
                self._left[period_index, charge_id] -= part
                amount -= part
                changes.append(
                    CorrectedCharge(period_index=period_index, charge_id=charge_id, amount=-part)
                )
        return tuple(changes)


def _charges_of(
    session: Session, invoice: Invoice, rows: Sequence[InvoiceLine]
) -> dict[UUID, list[ChargeOfPeriod]]:
    """Which charges of which periods each line bills; lines without a charge are left out."""
    charges: dict[UUID, list[ChargeOfPeriod]] = {
        row.id: [(invoice.period_index, ChargeId(row.charge_id))]
        for row in rows
        if row.charge_id is not None and invoice.period_index is not None
    }
    late = [row.id for row in rows if row.type == LineType.LATE_USAGE]
    if late:
        for part in stored_corrections.list_parts(session, invoice.organization_id, late):
            charges.setdefault(part.line_id, []).append(
                (part.period_index, ChargeId(part.charge_id))
            )
    return charges


def _left_of(
    session: Session, invoice: Invoice, charges: dict[UUID, list[ChargeOfPeriod]]
) -> dict[ChargeOfPeriod, Decimal]:
    """What all documents together leave of each charge of each period."""
    left = dict.fromkeys((one for every in charges.values() for one in every), ZERO)
    subscription = _subscription_of(session, invoice)
    if subscription is None:
        return left
    for period_index in {period_index for period_index, _ in left}:
        for said in stored_corrections.list_said(session, subscription, period_index):
            left[period_index, said.charge_id] = said.left
    return left


def _left_of_rewritten(session: Session, invoice: Invoice) -> Decimal | None:
    """What is left of the period whose draft people rewrote; None for any other invoice."""
    subscription = _subscription_of(session, invoice)
    if not invoice.is_edited or invoice.period_index is None or subscription is None:
        return None
    said = stored_corrections.list_said(session, subscription, invoice.period_index)
    return left_of_rewritten(stored_corrections.sum_written(session, invoice), said)


def _subscription_of(session: Session, invoice: Invoice) -> Subscription | None:
    if invoice.subscription_id is None:
        return None
    return stored_subscriptions.find_subscription(
        session, invoice.organization_id, invoice.subscription_id
    )

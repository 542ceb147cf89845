"""What can still be given back of an invoice's lines: one cap for everything (CONTRACT 82)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.identifiers import ChargeId
from billing.invoicing.corrections import left_of_rewritten
from billing.invoicing.credit_notes import require_creditable
from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO, Currency, exactly, find_currency
from billing.rating.lines import CorrectedCharge, LineType
from billing.units import Unit
from models.invoicing.invoices import Invoice, InvoiceLine
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import credit_notes as stored_credit_notes
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts
from services.corrections.not_billed import sum_not_billed
from services.documents.contents import priced_line_of

ChargeOfPeriod = tuple[int, ChargeId]


class CreditableLines:
    """The lines of one invoice, each with what is left of it, in what it is priced in.

    A line has left what neither coupons took off it nor earlier invoices of its period billed nor
    credit notes gave back of it, but no more than all documents together still bill of its charge
    and period: late corrections on other invoices count too. Of lines that people wrote in a
    period's draft no more is left than of the period. A line that carried credit on has left what
    still stands on the customer's account.
    """

    def __init__(self, session: Session, invoice: Invoice, rows: Sequence[InvoiceLine]) -> None:
        self._invoice = invoice
        self._rows = {row.id: row for row in rows}
        self.credited = stored_credit_notes.sum_credited_lines(
            session, invoice.organization_id, list(self._rows)
        )
        self._not_billed = sum_not_billed(session, invoice, rows)
        self._charges = _charges_of(session, invoice, rows)
        self._left = _left_of(session, invoice, self._charges)
        periods = {
            period_index for of_line in self._charges.values() for period_index, _ in of_line
        }
        self._rewritten = _left_of_rewritten(session, invoice, periods)
        self._account = (
            customer_accounts.available_credit(
                session, invoice.organization_id, invoice.customer_id, invoice.currency, lock=True
            )
            if invoice.carried_credit > ZERO
            else ZERO
        )

    @exactly
    def left_of(self, row: InvoiceLine) -> Decimal:
        """What can still be given back of a line, before tax, in its own unit or major units."""
        if row.amount_in_unit is not None:
            left = row.amount_in_unit - self.credited.get(row.id, ZERO)
            return max(ZERO, min(left, self._left_of_charges_in_unit(row)))
        left = row.line_total - self._not_billed.get(row.position, ZERO)
        left -= self.credited.get(row.id, ZERO)
        if row.type == LineType.ADJUSTMENT:
            left = min(left, self._account)
        elif row.id in self._charges:
            left = min(left, self._left_of_charges(self._charges[row.id]))
        else:
            left = min(left, self._rewritten.get(self._invoice.period_index, left))
        return max(ZERO, left)

    @exactly
    def _left_of_charges_in_unit(self, row: InvoiceLine) -> Decimal:
        return sum((self._left[one] for one in self._charges.get(row.id, ())), ZERO)

    def _left_of_charges(self, charges: Sequence[ChargeOfPeriod]) -> Decimal:
        """What is left of charges, of a period that people rewrote no more than of all of it."""
        left: dict[int, Decimal] = {}
        for period_index, charge_id in charges:
            more = self._left[period_index, charge_id]
            left[period_index] = left.get(period_index, ZERO) + more
        return sum((min(one, self._rewritten.get(at, one)) for at, one in left.items()), ZERO)

    @exactly
    def take(self, row: InvoiceLine, amount: Decimal) -> tuple[CorrectedCharge, ...]:
        """Give ``amount`` of a line back, and say which charges it comes off, the first ones first.

        Raises Conflict ``credit_exceeds_line`` with what is left.
        """
        require_creditable(left=self.left_of(row), amount=amount, unit=_unit_of(row, self._invoice))
        self.credited[row.id] = self.credited.get(row.id, ZERO) + amount
        if row.type == LineType.ADJUSTMENT:
            self._account -= amount
        elif row.id not in self._charges:
            self._take_of_rewritten(self._invoice.period_index, amount)
        changes = []
        for period_index, charge_id in self._charges.get(row.id, ()):
            part = min(amount, self._left[period_index, charge_id])
            if row.amount_in_unit is None:
                part = min(part, self._rewritten.get(period_index, part))
            if part > ZERO:
                self._left[period_index, charge_id] -= part
                if row.amount_in_unit is None:
                    self._take_of_rewritten(period_index, part)
                amount -= part
                changes.append(
                    CorrectedCharge(period_index=period_index, charge_id=charge_id, amount=-part)
                )
        return tuple(changes)

    def _take_of_rewritten(self, period_index: int | None, amount: Decimal) -> None:
        if period_index in self._rewritten:
            self._rewritten[period_index] -= amount


def _unit_of(row: InvoiceLine, invoice: Invoice) -> Currency | Unit:
    """What amounts of a line are in."""
    own = None if row.amount_in_unit is None else priced_line_of(row).priced_in
    return own or find_currency(invoice.currency)


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


def _left_of_rewritten(
    session: Session, invoice: Invoice, others: set[int]
) -> dict[int | None, Decimal]:
    """What is left of each of the periods whose draft people rewrote: the invoice's, and others."""
    subscription = _subscription_of(session, invoice)
    left: dict[int | None, Decimal] = {}
    if subscription is None:
        return left
    for index in others | ({invoice.period_index} if invoice.period_index is not None else set()):
        own = stored_invoices.find_period_invoice(
            session, invoice.organization_id, subscription.id, index
        )
        if own is not None and own.is_edited and own.status != InvoiceStatus.DRAFT:
            said = stored_corrections.list_said(session, subscription, index)
            left[index] = left_of_rewritten(stored_corrections.sum_written(session, own), said)
    return left


def _subscription_of(session: Session, invoice: Invoice) -> Subscription | None:
    if invoice.subscription_id is None:
        return None
    return stored_subscriptions.find_subscription(
        session, invoice.organization_id, invoice.subscription_id
    )

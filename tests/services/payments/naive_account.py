"""What a customer owes and has, kept by somebody who knows nothing of rows: integers and sums.

Each action either happens here, or raises :class:`Refused` and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class Refused(Exception):
    """The action is not allowed now."""


@dataclass
class NaivePayment:
    """Money that came: what the invoice has of it, what was too much, and what went back.

    ``excess`` went back beyond all of it.
    """

    amount: int
    on_invoice: int = 0
    too_much: int = 0
    sent_back: int = 0
    excess: int = 0
    is_pending: bool = False


@dataclass
class NaiveRefund:
    """What went back, and of what."""

    payment: NaivePayment
    invoice: NaiveInvoice
    amount: int
    from_invoice: int
    of_notes: int
    is_pending: bool
    owed: int = 0
    excess: int = 0


@dataclass
class NaiveInvoice:
    """A bill; ``owed_back`` is what notes gave back of money that is not back yet."""

    billed: int
    granted: int
    due: int
    status: str
    given: int = 0
    owed_back: int = 0
    payments: list[NaivePayment] = field(default_factory=list)


@dataclass
class NaiveAccount:
    """A customer: the bills, the credit, and all money that is here.

    What they owe on no bill may be given up, and is had back before there is credit.
    """

    credit: int = 0
    owed: int = 0
    given_up: int = 0
    invoices: list[NaiveInvoice] = field(default_factory=list)

    def bill(self, amount: int) -> NaiveInvoice:
        granted = min(self.credit, amount)
        self.credit -= granted
        due = amount - granted
        made = NaiveInvoice(amount, granted, due, "OPEN" if due else "PAID")
        self.invoices.append(made)
        return made

    def pay(
        self, invoice: NaiveInvoice, payment: NaivePayment, *, by_hand: bool, keeps: bool
    ) -> None:
        if by_hand and invoice.status == "VOID":
            raise Refused
        if by_hand and not keeps and payment.amount > invoice.due:
            raise Refused
        if payment not in invoice.payments:
            invoice.payments.append(payment)
        payment.is_pending = False
        self._take(invoice, payment, payment.amount, at_most=payment.amount)

    def _take(
        self, invoice: NaiveInvoice, payment: NaivePayment, money: int, *, at_most: int
    ) -> None:
        """So much money came for the invoice, which may take ``at_most`` of it."""
        taken = min(at_most, invoice.due)
        invoice.due -= taken
        payment.on_invoice += taken
        payment.too_much += money - taken
        self._have(money - taken)
        self._close(invoice)

    def _have(self, credit: int) -> None:
        """So much more is the customer's credit, unless it is owed."""
        settled = min(credit, self.owed)
        self.owed -= settled
        recovered = min(credit - settled, self.given_up)
        self.given_up -= recovered
        self.credit += credit - settled - recovered

    def give_up(self, amount: int) -> None:
        """So much of what is owed on no bill is not expected any more."""
        if not 0 < amount <= self.owed:
            raise Refused
        self.owed -= amount
        self.given_up += amount

    def give_note(self, invoice: NaiveInvoice, amount: int) -> None:
        if invoice.status == "VOID" or amount > invoice.billed - invoice.given:
            raise Refused
        invoice.given += amount
        lowered = min(amount, invoice.due)
        invoice.due -= lowered
        invoice.owed_back += amount - lowered
        self._close(invoice)

    def refund(
        self,
        invoice: NaiveInvoice,
        payment: NaivePayment,
        amount: int,
        *,
        is_pending: bool = False,
        has_gone: bool = False,
    ) -> NaiveRefund:
        left = payment.amount - payment.sent_back
        if payment.is_pending or (amount > left and not has_gone):
            raise Refused
        excess = max(amount - left, 0)
        from_credit = min(amount - excess, payment.too_much, self.credit)
        from_invoice = min(amount - excess - from_credit, payment.on_invoice)
        owed = amount - from_credit - from_invoice
        if owed and not has_gone:
            raise Refused
        of_notes = min(from_invoice, invoice.owed_back)
        payment.sent_back += amount - excess
        payment.excess += excess
        payment.too_much -= from_credit + owed - excess
        payment.on_invoice -= from_invoice
        self.credit -= from_credit
        self.owed += owed
        invoice.owed_back -= of_notes
        invoice.due += from_invoice - of_notes
        if excess:
            left, self.credit = self.credit, 0
            self._have(left)
        return NaiveRefund(
            payment, invoice, amount, from_invoice, of_notes, is_pending, owed, excess
        )

    def fail(self, refund: NaiveRefund) -> None:
        invoice, payment = refund.invoice, refund.payment
        refund.is_pending = False
        payment.sent_back -= refund.amount - refund.excess
        payment.excess -= refund.excess
        invoice.owed_back += refund.of_notes
        if invoice.status != "VOID":
            invoice.due += refund.of_notes
        self._take(invoice, payment, refund.amount, at_most=refund.from_invoice)

    def void(self, invoice: NaiveInvoice) -> None:
        if invoice.status not in {"OPEN", "UNCOLLECTIBLE"}:
            raise Refused
        for payment in invoice.payments:
            self._have(payment.on_invoice)
            payment.too_much += payment.on_invoice
            payment.on_invoice = 0
        self._have(invoice.granted)
        invoice.status, invoice.due = "VOID", 0

    def write_off(self, invoice: NaiveInvoice) -> None:
        if invoice.status != "OPEN":
            raise Refused
        invoice.status = "UNCOLLECTIBLE"

    def _close(self, invoice: NaiveInvoice) -> None:
        if invoice.due == 0 and invoice.status in {"OPEN", "UNCOLLECTIBLE"}:
            invoice.status = "PAID"

    @property
    def owed_in_all(self) -> int:
        """What was billed and not given back, less all money that is here and what is credit."""
        standing = [one for one in self.invoices if one.status != "VOID"]
        billed = sum(one.billed - one.given for one in standing)
        money = sum(
            payment.amount - payment.sent_back - payment.excess
            for one in self.invoices
            for payment in one.payments
            if not payment.is_pending
        )
        return billed - money

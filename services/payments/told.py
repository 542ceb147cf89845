"""What gateways tell of payments is attributed, recorded once, and followed by what it means.

Nothing here believes a webhook: what is recorded of money is what the gateway answers when it is
asked. In whichever order things are told, the books say the same in the end. Source: CONTRACT
29, 60, section 6 (Payments).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO
from billing.payments.gateways import GatewayPayment, GatewayStatus
from billing.payments.kinds import PaymentKind, PaymentStatus
from billing.payments.states import EventStatus, SurplusPayments
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.payments.links import PaymentMethod
from models.payments.payments import Payment
from repositories.accounts import organizations as stored_organizations
from repositories.payments import links as stored_links
from repositories.payments import payments as stored_payments
from services.audit_log import record
from services.documents.locks import lock_invoice_if_any
from services.payments import recording, refunds
from services.payments.events import Verdict


class Unattributed(Exception):
    """Nobody knows which invoice it is of, or it is not of ours."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def accept_payment(
    session: Session,
    invoice: Invoice,
    connection_id: UUID,
    told: GatewayPayment,
    *,
    now: datetime,
) -> Payment:
    """What a gateway tells of a payment is recorded, its method kept, its surplus settled.

    The invoice is locked. Idempotent, as :func:`record_told` is.
    """
    earlier = stored_payments.list_of_invoice(session, invoice.organization_id, invoice.id)
    had_succeeded = {one.id for one in earlier if one.status == PaymentStatus.SUCCEEDED}
    payment = record_told(session, invoice, connection_id, told, now=now)
    _keep_method(session, payment, connection_id, told, now=now)
    if payment.status == PaymentStatus.SUCCEEDED and payment.id not in had_succeeded:
        _settle_surplus(session, payment, now=now)
    return payment


def record_told(
    session: Session,
    invoice: Invoice,
    connection_id: UUID,
    told: GatewayPayment,
    *,
    now: datetime,
) -> Payment:
    """What a gateway tells of a payment is known, once, by any of its names or by our key.

    The invoice is locked. A payment that it charged for us is the row of that attempt; one that was
    made on a page is a row from now on, and so is what a gateway charged once more by our key. What
    came later by the gateway's clock may be told first: a success stays one, and a failure may turn
    out to have succeeded. Raises Conflict ``payment_told_twice`` where somebody else does so now.
    """
    payment = _find(session, invoice.organization_id, connection_id, told)
    if payment is not None and payment.invoice_id != invoice.id:
        # A second invoice is never locked: whoever tells the other one locks them the other way.
        raise Conflict("The payment is known of another invoice.", code="payment_told_twice")
    at = recording.present_of(session, invoice, now=now)
    if payment is not None:
        payment = stored_payments.lock_payment(session, payment.organization_id, payment.id)
    if payment is not None and _is_other_money(session, payment, connection_id, told):
        if told.status != GatewayStatus.SUCCEEDED:
            return payment
        payment = None
    if payment is not None and payment.kind == PaymentKind.SAVED_METHOD and at != now:
        # On a test clock, which may be on its way far beyond, a charge ends when it was made.
        at = payment.at
    if payment is None:
        payment = recording.begin(
            session,
            invoice,
            kind=PaymentKind.LINK,
            amount=told.amount,
            connection_id=connection_id,
            at=at,
            now=now,
        )
    _take_over(session, payment, connection_id, told)
    if told.status == GatewayStatus.SUCCEEDED:
        recording.succeed(session, invoice, payment, at=at, now=now)
    elif told.status == GatewayStatus.FAILED:
        recording.fail(session, invoice, payment, at=at, now=now)
    return payment


def attribute(
    session: Session, organization_id: UUID, connection_id: UUID, told: GatewayPayment
) -> Invoice:
    """The invoice that a payment is of, locked. Raises Unattributed, with what to say of it.

    A payment that is known is of the invoice that it was of. What a gateway says of others counts
    only where all of it fits.
    """
    known = stored_payments.find_by_reference(
        session, organization_id, connection_id, told.references
    )
    if known is None and told.organization_id not in {None, organization_id}:
        reason = "It is of another organization with the same account."
        raise Unattributed(Verdict(status=EventStatus.IGNORED, reason=reason))
    if known is None and told.idempotency_key is not None:
        known = stored_payments.find_by_key(
            session, organization_id, connection_id, told.idempotency_key
        )
    invoice_id = told.invoice_id if known is None else known.invoice_id
    if invoice_id is None:
        raise _unattributed(told, "It names no invoice.")
    locked = lock_invoice_if_any(session, organization_id, invoice_id)
    if locked is None:
        raise _unattributed(told, "There is no such invoice.")
    invoice, _ = locked
    require_currency(invoice, told)
    if told.customer_id not in {None, invoice.customer_id}:
        raise _unattributed(told, "It is of another customer than the invoice.")
    if invoice.status == InvoiceStatus.DRAFT:
        raise _unattributed(told, "The invoice is a draft.")
    return invoice


def require_currency(invoice: Invoice, told: GatewayPayment) -> None:
    """Nothing follows if the payment is in the invoice's currency. Raises Unattributed."""
    if told.currency.upper() != invoice.currency:
        raise _unattributed(told, f"It is in {told.currency.upper()}, the invoice is not.")


def _find(
    session: Session, organization_id: UUID, connection_id: UUID, told: GatewayPayment
) -> Payment | None:
    found = stored_payments.find_by_reference(
        session, organization_id, connection_id, told.references
    )
    if found is None and told.idempotency_key is not None:
        found = stored_payments.find_by_key(
            session, organization_id, connection_id, told.idempotency_key
        )
    return found


def _is_other_money(
    session: Session, payment: Payment, connection_id: UUID, told: GatewayPayment
) -> bool:
    """Whether a gateway took money twice by one key: what has succeeded has other names already."""
    if payment.status != PaymentStatus.SUCCEEDED:
        return False
    known = stored_payments.find_by_reference(
        session, payment.organization_id, connection_id, told.references
    )
    return known is None


def _take_over(
    session: Session, payment: Payment, connection_id: UUID, told: GatewayPayment
) -> None:
    """What the gateway calls the payment, and why it failed if it did."""
    turned_out_paid = (payment.status, told.status) == (
        PaymentStatus.FAILED,
        GatewayStatus.SUCCEEDED,
    )
    if payment.status == PaymentStatus.PENDING or turned_out_paid:
        # By the name of what failed before nothing can be refunded.
        is_named = payment.reference is not None and not turned_out_paid
        payment.reference = payment.reference if is_named else told.references[0]
        payment.method = told.method or payment.method
        payment.error_code, payment.error = told.error_code, told.error
        payment.is_declined_for_good = told.is_declined_for_good
        payment.amount = told.amount
        session.add(payment)
        session.flush()
    key = (payment.organization_id, connection_id)
    stored_payments.insert_references(session, *key, payment.id, told.references)
    known = stored_payments.find_by_reference(session, *key, told.references[:1])
    if known is None or known.id != payment.id:
        raise Conflict("The payment is recorded at this moment.", code="payment_told_twice")


def _unattributed(told: GatewayPayment, reason: str) -> Unattributed:
    """Money waits for people; what is none is only noted."""
    is_money = told.status == GatewayStatus.SUCCEEDED
    status = EventStatus.NEEDS_ATTENTION if is_money else EventStatus.IGNORED
    return Unattributed(Verdict(status=status, reason=reason))


def _keep_method(
    session: Session,
    payment: Payment,
    connection_id: UUID,
    told: GatewayPayment,
    *,
    now: datetime,
) -> None:
    """What the customer saved can be charged later; what was declined for good cannot."""
    saved = told.saved_method
    if saved is not None and told.status != GatewayStatus.PENDING:
        stored_links.save_method(
            session,
            PaymentMethod(
                organization_id=payment.organization_id,
                id=new_id(),
                customer_id=payment.customer_id,
                connection_id=connection_id,
                customer_reference=saved.customer_reference,
                method_reference=saved.method_reference,
                label=saved.label,
                created_at=now,
                updated_at=now,
            ),
            has_worked=told.status == GatewayStatus.SUCCEEDED,
        )
    elif told.is_declined_for_good and told.idempotency_key is not None:
        stored_links.mark_unusable(
            session,
            payment.organization_id,
            payment.customer_id,
            connection_id,
            charged_since=payment.created_at,
            now=now,
        )


def _settle_surplus(session: Session, payment: Payment, *, now: datetime) -> None:
    """What was paid beyond what was due is the customer's credit, or goes back.

    Source: CONTRACT section 6 (Payments); ``surplus_payments`` of the organization.
    """
    organization_id = payment.organization_id
    surplus = payment.amount - payment.applied_amount - payment.refunded_amount
    if surplus <= ZERO:
        return
    wanted = stored_organizations.get_organization(session, organization_id).surplus_payments
    record(
        session,
        organization_id,
        "payment.surplus",
        "payment",
        payment.id,
        after={"amount": surplus, "currency": payment.currency, "becomes": wanted},
        now=now,
    )
    if wanted == SurplusPayments.REFUND:
        reason = "It was more than was due."
        refunds.refund(session, organization_id, payment.id, surplus, reason=reason, now=now)

"""What an event of a gateway comes to, once the gateway was asked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Rejected, Unavailable
from billing.money import ZERO
from billing.payments.gateways import (
    Gateway,
    GatewayDispute,
    GatewayEvent,
    GatewayPayment,
    GatewayRefund,
    GatewayStatus,
    RefundRequest,
)
from billing.payments.states import EventStatus, TaskKind
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment
from repositories.payments import events as stored_events
from repositories.payments import links as stored_links
from repositories.payments.tasks import TakenTask
from services.payments import events, links, methods, refunds
from services.payments.events import Notice, Verdict
from services.payments.reversals import accept_dispute, accept_refund
from services.payments.tasks import LINK_GIVEN_UP
from services.payments.told import Unattributed, accept_payment, attribute


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a gateway knows of what an event is about, asked not before ``asked_at``."""

    asked_at: datetime
    payment: GatewayPayment | None
    refund: GatewayRefund | None = None
    dispute: GatewayDispute | None = None

    def is_whole_of(self, event: GatewayEvent) -> bool:
        """Whether the gateway knows all that it told of."""
        return (
            self.payment is not None
            and (event.refund is None or self.refund is not None)
            and (event.dispute is None or self.dispute is not None)
        )


async def look_up(gateway: Gateway, event: GatewayEvent, *, asked_at: datetime) -> Found:
    """What an event is about, as the gateway knows it now: nothing that it told is believed."""
    if event.refund is not None:
        told = event.refund
        refund = await gateway.find_refund(
            payment_reference=told.payment_reference, key=None, reference=told.reference
        )
        of = told if refund is None else refund
        payment = await gateway.find_payment(reference=of.payment_reference, key=None)
        return Found(asked_at=asked_at, payment=payment, refund=refund)
    if event.dispute is not None:
        dispute = await gateway.find_dispute(event.dispute.reference)
        about = event.dispute if dispute is None else dispute
        payment = await gateway.find_payment(reference=about.payment_reference, key=None)
        return Found(asked_at=asked_at, payment=payment, dispute=dispute)
    assert event.payment is not None
    return Found(asked_at=asked_at, payment=await _look_up_payment(gateway, event.payment))


async def _look_up_payment(gateway: Gateway, told: GatewayPayment) -> GatewayPayment | None:
    """The payment as the gateway knows it.

    A try that failed is no money: if it has no name by which it can be asked for, it is what was
    told of it.
    """
    found = await gateway.find_payment(reference=told.references[0], key=None)
    return told if found is None and told.status is GatewayStatus.FAILED else found


async def refund_again(gateway: Gateway, request: RefundRequest) -> GatewayRefund:
    """What became of a refund that was asked for before, without an answer that anybody kept.

    It may have been sent, so that a no ends nothing: a key that was rolled is replaced. Raises
    Unavailable.
    """
    try:
        told = await gateway.find_refund(
            payment_reference=request.payment_reference, key=request.idempotency_key
        )
        return await gateway.refund(request) if told is None else told
    except Rejected as refusal:
        raise Unavailable(refusal.detail, code=refusal.code) from refusal


def judge(
    session: Session,
    key: tuple[UUID, UUID],
    event: GatewayEvent,
    found: Found,
    *,
    now: datetime,
) -> Verdict:
    """What was found is recorded; the verdict says of what. ``key`` is of the connection.

    A payment is recorded before what became of it, whatever was told first. Raises Unavailable
    where it is too early to say.
    """
    told = found.payment
    if told is None:
        reason = "The gateway does not know the payment that it told of."
        return Verdict(status=EventStatus.NEEDS_ATTENTION, reason=reason)
    if told.amount <= ZERO:
        return Verdict(status=EventStatus.IGNORED, reason="It is of no money.")
    organization_id, connection_id = key
    try:
        invoice = attribute(session, organization_id, connection_id, told)
    except Unattributed as unattributed:
        return _of_others(event, told) or unattributed.verdict
    payment = accept_payment(session, invoice, connection_id, told, now=now)
    return _judge_what_went(session, invoice, payment, event, found, now=now)


def _judge_what_went(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    event: GatewayEvent,
    found: Found,
    *,
    now: datetime,
) -> Verdict:
    """What went back of a payment is recorded as well, if the event is about that."""
    about = Verdict(
        status=EventStatus.PROCESSED, invoice_id=payment.invoice_id, payment_id=payment.id
    )
    asked_at = found.asked_at
    back = found.refund or found.dispute
    if back is not None and back.currency.upper() != payment.currency:
        reason = f"It is in {back.currency.upper()}, the payment is not."
        return replace(about, status=EventStatus.NEEDS_ATTENTION, reason=reason)
    if found.refund is not None:
        told, confirmed = found.refund, found.payment
        assert confirmed is not None
        return accept_refund(
            session, invoice, payment, told, confirmed=confirmed, asked_at=asked_at, now=now
        )
    if found.dispute is not None:
        assert payment.connection_id is not None
        where = (invoice, payment, payment.connection_id)
        return accept_dispute(session, *where, found.dispute, asked_at=asked_at, now=now)
    if event.refund is None and event.dispute is None:
        return about
    what = "refund" if event.dispute is None else "dispute"
    reason = f"The gateway does not know the {what} that it told of."
    return replace(about, status=EventStatus.NEEDS_ATTENTION, reason=reason)


def _of_others(event: GatewayEvent, told: GatewayPayment) -> Verdict | None:
    """Money that went back of what was never billed here: an account may have other business.

    None where the payment says that it is of an invoice of ours.
    """
    is_ours = told.invoice_id is not None or told.idempotency_key is not None
    if is_ours or (event.refund is None and event.dispute is None):
        return None
    return Verdict(status=EventStatus.IGNORED, reason="Its payment is of no invoice here.")


async def close_page(gateway: Gateway, reference: str) -> Sequence[GatewayPayment]:
    """Nothing can be paid on a link's page any more; gives what was tried there.

    Money that was on its way when it closed is among it, and arrives all the same. Raises
    Unavailable, and Rejected where the gateway knows of no such page.
    """
    with suppress(Rejected):  # It is over already, which is seen below.
        await gateway.expire_link(reference)
    return await gateway.list_payments(reference)


def record_paid(
    session: Session, key: tuple[UUID, UUID], told: GatewayPayment, *, now: datetime
) -> None:
    """Money that was found on a link's page is recorded, as if it had been told. Idempotent.

    What nobody can attribute waits for people: somebody changed what the gateway knows of it, for
    the page was of this organization's.
    """
    organization_id, connection_id = key
    try:
        invoice = attribute(session, organization_id, connection_id, told)
    except Unattributed as unattributed:
        events.notice(session, key, events.payment_found(told), unattributed.verdict, now=now)
        return
    accept_payment(session, invoice, connection_id, told, now=now)


def give_up(session: Session, task: TakenTask, reason: str, *, now: datetime) -> None:
    """The gateway's last word is no: what was asked for is not to be, and people see it.

    A link that cannot be made is asked for by whoever wants it again, so that nobody is called.
    """
    organization_id, subject_id = task.organization_id, task.subject_id
    key = (organization_id, task.connection_id)
    verdict = Verdict(status=EventStatus.NEEDS_ATTENTION, reason=reason)
    match TaskKind(task.kind):
        case TaskKind.OPEN_LINK:
            links.give_up_link(session, organization_id, subject_id, now=now)
        case TaskKind.EVENT:
            row = stored_events.lock_event(session, organization_id, subject_id)
            assert row is not None
            events.settle(session, row, verdict, now=now)
        case TaskKind.REFUND:
            invoice, payment, made = refunds.lock_refund(session, organization_id, subject_id)
            refunds.fail(session, invoice, payment, made, error=reason, at=made.at, now=now)
            verdict = replace(verdict, invoice_id=invoice.id, payment_id=payment.id)
            notice = Notice(
                key=str(made.id),
                type=events.REFUND_GIVEN_UP,
                reference=payment.reference,
                amount=made.amount,
                currency=payment.currency,
            )
            events.notice(session, key, notice, verdict, now=now)
        case TaskKind.FORGET_METHOD:
            # Nobody is to charge it, whether the gateway forgets it or not.
            methods.drop_method(session, organization_id, subject_id)
        case TaskKind.RENEW_LINK | TaskKind.CLOSE_LINK:
            link = stored_links.find_link(session, organization_id, subject_id)
            assert link is not None
            notice = Notice(
                key=f"{task.kind}/{link.id}",
                type=LINK_GIVEN_UP,
                reference=link.reference,
                amount=link.amount,
                currency=link.currency,
            )
            verdict = replace(verdict, invoice_id=link.invoice_id)
            events.notice(session, key, notice, verdict, now=now)

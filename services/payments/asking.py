"""What is done with a gateway: read in a transaction, asked outside of any, told in another.

Whoever dies in between leaves rows by which the next one goes on: a link and a refund are asked for
again by the same key, and looked up before. Source: CONTRACT 29, section 6 (Payments).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.errors import Conflict, InvalidInput, Rejected, Unavailable
from billing.notifications.deliveries import Answer
from billing.payments.gateways import (
    KEY_REFUSED,
    Gateway,
    GatewayEvent,
    GatewayPayment,
    GatewayRefund,
    Gateways,
    GatewayStatus,
    PaymentRequest,
    RefundRequest,
)
from billing.payments.kinds import RefundStatus
from billing.payments.states import ARRIVES_LATEST, EventStatus, TaskKind
from models.payments.connections import Connection
from repositories.payments import connections as stored_connections
from repositories.payments import events as stored_events
from repositories.payments import links as stored_links
from repositories.payments import payments as stored_payments
from repositories.payments.tasks import TakenTask
from repositories.transactions import Transactions
from services.accounts.credentials import Sealing
from services.payments import events, links, methods, refunds, reversals
from services.payments.connections import open_account
from services.payments.judging import (
    Found,
    close_page,
    give_up,
    judge,
    look_up,
    record_paid,
    refund_again,
)
from services.payments.tasks import DONE, NOT_YET, Execute

TRIES_TO_FIND: Final = 6
"""So often a payment is looked up that its gateway told of and does not know yet."""

LOOKING: Final = frozenset({TaskKind.EVENT, TaskKind.RENEW_LINK, TaskKind.CLOSE_LINK})
TRIES_TO_LOOK: Final = 60
"""So often, for two days, a no to a question, or to our key, ends nothing: one that was rolled is
replaced."""

STILL_ON_ITS_WAY: Final = (
    f"A payment on the page has been on its way for {ARRIVES_LATEST.days} days, and is asked for no"
    " more. If it arrives, the gateway's webhook tells so."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What it takes to ask gateways; made once per process.

    ``page_of`` gives the page of an invoice, to which a gateway's page leads back.
    """

    transactions: Transactions
    gateways: Gateways
    sealing: Sealing = field(repr=False)
    public_url: str
    page_of: Callable[[Session, UUID, UUID], str]
    now: Callable[[], datetime]

    async def perform(self, task: TakenTask, execute: Execute) -> Answer:
        """What became of a task. Nothing that a gateway does is an error."""
        try:
            return await self._perform(task, execute)
        except (Unavailable, Conflict) as error:
            # Nobody knows yet, or somebody else records the same at this moment.
            return Answer(error=error.detail)
        except (Rejected, InvalidInput) as error:
            reason, is_of_the_key = error.detail, error.code == KEY_REFUSED
        log.warning(
            "gateway_refused",
            organization_id=str(task.organization_id),
            connection_id=str(task.connection_id),
            task=task.kind,
            subject_id=str(task.subject_id),
            reason=reason,
        )
        if (is_of_the_key or task.kind in LOOKING) and task.attempts < TRIES_TO_LOOK:
            return Answer(error=reason)
        return await execute(lambda: self._give_up(task, reason))

    async def _perform(self, task: TakenTask, execute: Execute) -> Answer:
        match TaskKind(task.kind):
            case TaskKind.OPEN_LINK:
                await self.open_link(task.organization_id, task.subject_id, execute)
            case TaskKind.RENEW_LINK | TaskKind.CLOSE_LINK:
                return await self._watch_link(task, execute)
            case TaskKind.REFUND:
                return await self._send_refund(task, execute)
            case TaskKind.EVENT:
                await self._work_on_event(task, execute)
            case TaskKind.FORGET_METHOD:
                await methods.forget_method(self.transactions, self._gateway_for, task, execute)
        return DONE

    async def open_link(self, organization_id: UUID, link_id: UUID, execute: Execute) -> str | None:
        """Where the invoice can be paid by this link, None if it cannot. Repeatable.

        Raises Unavailable, Rejected.
        """
        asked = await execute(lambda: self._ask_for_link(organization_id, link_id))
        if asked is None:
            return None
        gateway, request = asked
        told = await gateway.create_link(request)

        def keep() -> str | None:
            with self.transactions.for_organization(organization_id) as session:
                return links.open_link(session, organization_id, link_id, told, now=self.now())

        return await execute(keep)

    def _ask_for_link(
        self, organization_id: UUID, link_id: UUID
    ) -> tuple[Gateway, PaymentRequest] | None:
        with self.transactions.for_organization(organization_id) as session:
            link = stored_links.find_link(session, organization_id, link_id)
            assert link is not None
            asked = links.ask_for_link(
                session,
                organization_id,
                link_id,
                return_url=self.page_of(session, organization_id, link.invoice_id),
                now=self.now(),
            )
        return None if asked is None else (self._gateway_of(asked.connection), asked.request)

    async def _watch_link(self, task: TakenTask, execute: Execute) -> Answer:
        """What was paid on the page is known, whether it was told or not; then it ends, or waits.

        One that is closed is ended at the gateway first, so that nothing is paid there later.
        """
        watched = await execute(lambda: self._read_link(task))
        if watched is None:
            return DONE
        gateway, reference, is_late = watched
        is_closing = task.kind == TaskKind.CLOSE_LINK
        look = close_page(gateway, reference) if is_closing else gateway.list_payments(reference)
        tried = await look
        for told in tried:
            if told.status is GatewayStatus.SUCCEEDED:
                await execute(partial(self._record_paid, task, told))
        if is_closing:
            # Money that is on its way when a page closes arrives all the same.
            is_awaited = any(told.status is GatewayStatus.PENDING for told in tried)
            if is_awaited and is_late:
                return await execute(lambda: self._give_up(task, STILL_ON_ITS_WAY))
            return NOT_YET if is_awaited else DONE
        return await execute(lambda: self._renew_link(task))

    def _read_link(self, task: TakenTask) -> tuple[Gateway, str, bool] | None:
        """Whom to ask about which page, and whether nothing that began there is waited for."""
        with self.transactions.for_organization(task.organization_id) as session:
            link = stored_links.find_link(session, task.organization_id, task.subject_id)
            assert link is not None
            if link.reference is None:
                return None
            is_late = link.closed_at is not None and self.now() - link.closed_at >= ARRIVES_LATEST
            return self._gateway_for(session, task), link.reference, is_late

    def _record_paid(self, task: TakenTask, told: GatewayPayment) -> None:
        with self.transactions.for_organization(task.organization_id) as session:
            key = (task.organization_id, task.connection_id)
            record_paid(session, key, told, now=self.now())

    def _renew_link(self, task: TakenTask) -> Answer:
        with self.transactions.for_organization(task.organization_id) as session:
            is_over = links.renew_link(
                session, task.organization_id, task.subject_id, now=self.now()
            )
        return DONE if is_over else NOT_YET

    async def _send_refund(self, task: TakenTask, execute: Execute) -> Answer:
        """The refund is looked up before it is asked for again, and asked for by its one key."""
        asked = await execute(lambda: self._ask_for_refund(task))
        if asked is None:
            return DONE
        gateway, request = asked
        asked_at = self.now()
        if task.attempts == 1:
            told = await gateway.refund(request)
        else:
            told = await refund_again(gateway, request)
        await execute(lambda: self._settle_refund(task, told, asked_at))
        return NOT_YET if told.status is GatewayStatus.PENDING else DONE

    def _ask_for_refund(self, task: TakenTask) -> tuple[Gateway, RefundRequest] | None:
        with self.transactions.for_organization(task.organization_id) as session:
            made = stored_payments.find_refund(session, task.organization_id, task.subject_id)
            assert made is not None
            payment = stored_payments.find_payment(session, task.organization_id, made.payment_id)
            assert payment is not None
            if made.status != RefundStatus.PENDING:
                return None
            request = RefundRequest(
                payment_reference=payment.reference or "",
                amount=made.amount,
                currency=payment.currency,
                idempotency_key=made.idempotency_key,
                invoice_id=payment.invoice_id,
            )
            return self._gateway_for(session, task), request

    def _settle_refund(self, task: TakenTask, told: GatewayRefund, asked_at: datetime) -> None:
        with self.transactions.for_organization(task.organization_id) as session:
            invoice, payment, made = refunds.lock_refund(
                session, task.organization_id, task.subject_id
            )
            reversals.settle_told(
                session, invoice, payment, made, told, asked_at=asked_at, now=self.now()
            )

    async def _work_on_event(self, task: TakenTask, execute: Execute) -> None:
        """The event is looked up at the gateway, and what that answers is recorded."""
        read = await execute(lambda: self._read_event(task))
        if read is None:
            return
        gateway, event = read
        found = await look_up(gateway, event, asked_at=self.now())
        if not found.is_whole_of(event) and task.attempts < TRIES_TO_FIND:
            raise Unavailable("The gateway does not know yet of what it told.")
        await execute(lambda: self._settle_event(task, event, found))

    def _read_event(self, task: TakenTask) -> tuple[Gateway, GatewayEvent] | None:
        with self.transactions.for_organization(task.organization_id) as session:
            row = stored_events.find_event(session, task.organization_id, task.subject_id)
            assert row is not None
            if row.status != EventStatus.RECEIVED:
                return None
            return self._gateway_for(session, task), events.content_of(row)

    def _settle_event(self, task: TakenTask, event: GatewayEvent, found: Found) -> None:
        with self.transactions.for_organization(task.organization_id) as session:
            row = stored_events.lock_event(session, task.organization_id, task.subject_id)
            assert row is not None
            if row.status == EventStatus.RECEIVED:
                key = (task.organization_id, task.connection_id)
                verdict = judge(session, key, event, found, now=self.now())
                events.settle(session, row, verdict, now=self.now())

    def _give_up(self, task: TakenTask, reason: str) -> Answer:
        """The gateway's last word is no: what was asked for is not to be."""
        with self.transactions.for_organization(task.organization_id) as session:
            give_up(session, task, reason, now=self.now())
        return Answer(error=reason, is_final=True)

    def _gateway_for(self, session: Session, task: TakenTask) -> Gateway:
        connection = stored_connections.find_connection(
            session, task.organization_id, task.connection_id
        )
        assert connection is not None, "connections are never deleted for good"
        return self._gateway_of(connection)

    def _gateway_of(self, connection: Connection) -> Gateway:
        account = open_account(connection, self.sealing, public_url=self.public_url)
        return self.gateways.gateway_of(account)

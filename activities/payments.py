"""The steps of payment workflows: database steps, and the one that asks a gateway.

Repeating any of them changes nothing: the key is the invoice and the instant that the step was
due, or the payment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from sqlmodel import Session
from temporalio import activity

from activities import declarations
from activities.declarations import AttemptRequest, CollectionReference, CollectionRequest
from activities.errors import translated
from activities.subscriptions import performs
from billing.errors import InvalidInput, Rejected, Unavailable
from billing.payments.dunning import CollectionState
from billing.payments.gateways import Gateway, GatewayPayment, GatewayStatus
from repositories.transactions import Transactions
from services.dunning import attempts, schedule, steps
from services.dunning.attempts import Attempt

log = structlog.get_logger(__name__)

AnyRequest = CollectionReference | CollectionRequest | AttemptRequest
Work = Callable[[Session], object]

Refusal = Rejected | InvalidInput
"""Why a gateway will not do what it was asked, so that nothing was charged."""


class Gateways(Protocol):
    """What speaks for the accounts of organizations at their providers."""

    def gateway_of(self, session: Session, organization_id: UUID, connection_id: UUID) -> Gateway:
        """The gateway of a connection, deleted ones included. Raises Unavailable."""


class PaymentActivities:
    """What a payment workflow may ask for; built where the worker is composed."""

    def __init__(
        self,
        transactions: Transactions,
        gateways: Gateways,
        now: Callable[[], datetime],
    ) -> None:
        self._transactions = transactions
        self._gateways = gateways
        self._now = now

    @performs(declarations.READ_COLLECTION)
    def read_collection(self, reference: CollectionReference) -> CollectionState:
        """What is due next, computed from the rows."""
        return self._perform(reference, lambda _session: None)

    @performs(declarations.BEGIN_ATTEMPT)
    def begin_attempt(self, request: CollectionRequest) -> CollectionState:
        """A try is a row, or let pass where nothing can be charged."""
        begun: UUID | None = None

        def begin(session: Session) -> None:
            nonlocal begun
            begun = attempts.begin_attempt(
                session,
                *ids_of(request),
                due_at=request.due_at,
                now=self._now(),
            )

        state = self._perform(request, begin)
        return replace(state, begun=None if begun is None else str(begun))

    @performs(declarations.SEND_REMINDER)
    def send_reminder(self, request: CollectionRequest) -> CollectionState:
        """The customer is reminded."""
        return self._act(request, steps.send_reminder)

    @performs(declarations.END_COLLECTION)
    def end_collection(self, request: CollectionRequest) -> CollectionState:
        """What follows the last try has happened."""
        return self._act(request, steps.end_collection)

    @performs(declarations.RECORD_COLLECTION_PROGRESS)
    def record_collection_progress(self, request: CollectionRequest) -> CollectionState:
        """The test clock knows that this workflow has come along."""
        return self._perform(
            request,
            lambda session: schedule.record_progress(session, *ids_of(request), request.due_at),
        )

    @activity.defn(name=declarations.SETTLE_ATTEMPT.name)
    async def settle_attempt(self, request: AttemptRequest) -> CollectionState:
        """The end of a try is known: asked for once, and looked up before it is asked for again.

        Raises Unavailable, to be repeated, for as long as the gateway does not say.
        """
        found = await asyncio.to_thread(self._read_attempt, request)
        if found is None:
            return await asyncio.to_thread(self.read_collection, _reference_of(request))
        attempt, gateway = found
        is_first = request.is_new and activity.info().attempt == 1
        told = await ask(attempt, gateway, is_first=is_first)
        return await asyncio.to_thread(self._settle, request, told)

    def _read_attempt(self, request: AttemptRequest) -> tuple[Attempt, Gateway] | None:
        organization_id = UUID(request.organization_id)
        with self._transactions.for_organization(organization_id) as session:
            attempt = attempts.read_attempt(
                session,
                organization_id,
                UUID(request.payment_id),
                now=self._now(),
            )
            if attempt is None:
                return None
            gateway = self._gateways.gateway_of(session, organization_id, attempt.connection_id)
            return attempt, gateway

    def _settle(self, request: AttemptRequest, told: GatewayPayment | Refusal) -> CollectionState:
        organization_id, payment_id = UUID(request.organization_id), UUID(request.payment_id)

        def settle(session: Session) -> None:
            if isinstance(told, Rejected | InvalidInput):
                attempts.fail_attempt(
                    session,
                    organization_id,
                    payment_id,
                    code=told.code,
                    error=told.detail,
                    now=self._now(),
                )
            else:
                attempts.settle_attempt(session, organization_id, payment_id, told, now=self._now())

        # Not translated: whatever hinders it, the end of a charge is recorded in the end.
        return self._transact(request, settle)

    def _act(self, request: CollectionRequest, service: Callable[..., object]) -> CollectionState:
        return self._perform(
            request,
            lambda session: service(
                session, *ids_of(request), due_at=request.due_at, now=self._now()
            ),
        )

    def _perform(self, request: AnyRequest, work: Work) -> CollectionState:
        with translated():
            return self._transact(request, work)

    def _transact(self, request: AnyRequest, work: Work) -> CollectionState:
        organization_id, invoice_id = ids_of(request)
        with self._transactions.for_organization(organization_id) as session:
            work(session)
            session.flush()
            return schedule.read_state(session, organization_id, invoice_id, now=self._now())


async def ask(attempt: Attempt, gateway: Gateway, *, is_first: bool) -> GatewayPayment | Refusal:
    """What became of a try: a success, a failure, or that nothing was charged.

    Unless the gateway was surely not asked yet, it is looked up first. Raises Unavailable for as
    long as nobody can say.
    """
    key = attempt.request.idempotency_key
    told: GatewayPayment | None = None
    if not is_first:
        told = await _look_up(attempt, gateway)
    if told is None:
        if attempt.method is None:
            if not attempt.is_forgotten:
                raise Unavailable("A charge may still be on its way.", code="charge_unknown")
            return Rejected("Nothing was charged, and nothing is to be.", code="not_charged")
        try:
            told = await gateway.charge(attempt.request, attempt.method)
        except (Rejected, InvalidInput) as refusal:
            if not is_first and not attempt.is_forgotten:
                # It refuses this request; another one before it may be on its way.
                raise Unavailable(refusal.detail, code=refusal.code) from refusal
            return refusal
    if told.status is GatewayStatus.PENDING:
        log.info("charge_pending", key=key)
        raise Unavailable("The gateway does not know yet.", code="charge_pending")
    return told


async def _look_up(attempt: Attempt, gateway: Gateway) -> GatewayPayment | None:
    try:
        return await gateway.find_payment(
            reference=None, key=attempt.request.idempotency_key, since=attempt.begun_at
        )
    except Rejected as refusal:
        # What cannot be looked up is as unknown as before.
        raise Unavailable(refusal.detail, code=refusal.code) from refusal


def ids_of(request: AnyRequest) -> tuple[UUID, UUID]:
    """Organization and invoice of a request."""
    return UUID(request.organization_id), UUID(request.invoice_id)


def _reference_of(request: AttemptRequest) -> CollectionReference:
    return CollectionReference(
        organization_id=request.organization_id, invoice_id=request.invoice_id
    )

"""The steps of payment workflows: database steps, and the one that asks a gateway.

Repeating any of them changes nothing: the key is the invoice and the instant that the step was
due, or the payment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session
from temporalio import activity

from activities import declarations
from activities.charges import Charges, Gateways, Refusal, beating
from activities.declarations import AttemptRequest, CollectionReference, CollectionRequest
from activities.errors import translated
from activities.subscriptions import performs
from billing.errors import InvalidInput, Rejected
from billing.payments.dunning import CollectionState
from billing.payments.gateways import GatewayPayment
from repositories.transactions import Transactions
from services.dunning import attempts, schedule, steps

AnyRequest = CollectionReference | CollectionRequest | AttemptRequest
Work = Callable[[Session], object]


class PaymentActivities:
    """What a payment workflow may ask for; built where the worker is composed."""

    def __init__(
        self,
        transactions: Transactions,
        gateways: Gateways,
        now: Callable[[], datetime],
    ) -> None:
        self._transactions = transactions
        self._charges = Charges(transactions, gateways, now)
        self._now = now

    @performs(declarations.READ_COLLECTION)
    def read_collection(self, reference: CollectionReference) -> CollectionState:
        """What is due next, computed from the rows; a try that came to nothing has ended."""
        return self._perform(
            reference,
            lambda session: attempts.drop_needless(session, *ids_of(reference), now=self._now()),
        )

    @performs(declarations.BEGIN_ATTEMPT)
    def begin_attempt(self, request: CollectionRequest) -> CollectionState:
        """A try is a row, or let pass where nothing can be charged."""
        return self._act(request, attempts.begin_attempt)

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
        keys = UUID(request.organization_id), UUID(request.payment_id)
        async with beating():
            told = await self._charges.find_end(*keys)
            if told is None:
                return await asyncio.to_thread(self.read_collection, _reference_of(request))
            return await asyncio.to_thread(self._settle, request, told)

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


def ids_of(request: AnyRequest) -> tuple[UUID, UUID]:
    """Organization and invoice of a request."""
    return UUID(request.organization_id), UUID(request.invoice_id)


def _reference_of(request: AttemptRequest) -> CollectionReference:
    return CollectionReference(
        organization_id=request.organization_id, invoice_id=request.invoice_id
    )

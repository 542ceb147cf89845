"""Charges saved methods: pages end first, the try is claimed, and only then is a gateway asked.

What was asked for once is looked up before it is asked for again. Source: docs/decisions/0046.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlmodel import Session
from temporalio import activity

from billing.errors import InvalidInput, Rejected, Unavailable
from billing.payments.gateways import (
    KEY_REFUSED,
    Gateway,
    GatewayPayment,
    GatewayStatus,
    SavedMethod,
)
from billing.payments.states import TaskKind
from repositories.payments import tasks as stored_tasks
from repositories.transactions import Transactions
from services.dunning import attempts, gateway_requests
from services.dunning.gateway_requests import Attempt, Page
from services.payments.judging import close_page, record_paid

log = structlog.get_logger(__name__)

BEAT_SECONDS: Final = 3.0
"""How often Temporal hears that a worker lives; a try that is over sooner says nothing."""

CLAIM_HOLDS: Final = timedelta(seconds=90)
"""So long after its claim a request may be on its way to the gateway; what is left of it ends."""

ARRIVES_WITHIN: Final = timedelta(days=7)
"""So long money on its way on a page holds a charge back: some providers keep what was left half
done there for ever, and a bank takes days."""

KEY_IS_REPLACED_WITHIN: Final = timedelta(days=2)
"""So long a charge waits for another secret where the gateway takes none of what it has: whoever
rolled one duns nobody by it."""

Refusal = Rejected | InvalidInput
"""Why a gateway will not do what it was asked, so that nothing was charged."""


class Gateways(Protocol):
    """What speaks for the accounts of organizations at their providers."""

    def gateway_of(self, session: Session, organization_id: UUID, connection_id: UUID) -> Gateway:
        """The gateway of a connection, deleted ones included. Raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A try, and whom to ask about it and about the pages of its invoice."""

    attempt: Attempt
    gateway: Gateway
    pages: Sequence[tuple[Page, Gateway]]


class Charges:
    """Finds out what became of tries, and asks for those that nobody asked for."""

    def __init__(
        self, transactions: Transactions, gateways: Gateways, now: Callable[[], datetime]
    ) -> None:
        self._transactions = transactions
        self._gateways = gateways
        self._now = now

    async def find_end(
        self, organization_id: UUID, payment_id: UUID
    ) -> GatewayPayment | Refusal | None:
        """A success, a failure, or that nothing was charged; None if the try is settled by now.

        Raises Unavailable for as long as nobody can say.
        """
        asked = await asyncio.to_thread(self._read, organization_id, payment_id)
        if asked is None:
            return None
        told: GatewayPayment | Refusal | None = None
        if asked.attempt.asked_at is not None:
            told = await _look_up(asked)
        if told is None:
            for page, gateway in asked.pages:
                await self._end_page(organization_id, asked.attempt, page, gateway)
            told = await self._charge(organization_id, asked)
        if isinstance(told, GatewayPayment) and told.status is GatewayStatus.PENDING:
            log.info("charge_pending", key=asked.attempt.request.idempotency_key)
            raise Unavailable("The gateway does not know yet.", code="charge_pending")
        return told

    def _read(self, organization_id: UUID, payment_id: UUID) -> Asked | None:
        with self._transactions.for_organization(organization_id) as session:
            attempt = gateway_requests.read_attempt(
                session, organization_id, payment_id, now=self._now()
            )
            if attempt is None:
                return None

            def gateway_of(connection_id: UUID) -> Gateway:
                return self._gateways.gateway_of(session, organization_id, connection_id)

            return Asked(
                attempt=attempt,
                gateway=gateway_of(attempt.connection_id),
                pages=[(page, gateway_of(page.connection_id)) for page in attempt.pages],
            )

    async def _end_page(
        self, organization_id: UUID, attempt: Attempt, page: Page, gateway: Gateway
    ) -> None:
        """Nothing can be paid on the page any more, and what was paid there is recorded.

        Money that is on its way there holds the charge back for a week; a gateway that cannot end
        the page, or does not answer for an hour, does not.
        """
        try:
            tried = await close_page(gateway, page.reference)
        except (Unavailable, Rejected) as error:
            if isinstance(error, Unavailable) and not attempt.is_old:
                raise
            # Whoever pays there all the same has paid too much, as ``surplus_payments`` says.
            log.warning("page_not_closed", link_id=str(page.link_id), reason=error.detail)
            return
        await asyncio.to_thread(self._settle_page, organization_id, page, tried)
        is_late = self._now() - attempt.begun_at >= ARRIVES_WITHIN
        if not is_late and any(told.status is GatewayStatus.PENDING for told in tried):
            raise Unavailable("Money is on its way on a page.", code="page_pending")

    def _settle_page(
        self, organization_id: UUID, page: Page, tried: Sequence[GatewayPayment]
    ) -> None:
        with self._transactions.for_organization(organization_id) as session:
            for told in tried:
                if told.status is GatewayStatus.SUCCEEDED:
                    record_paid(
                        session, (organization_id, page.connection_id), told, now=self._now()
                    )
            if all(told.status is not GatewayStatus.PENDING for told in tried):
                stored_tasks.finish(session, organization_id, TaskKind.CLOSE_LINK, page.link_id)

    async def _charge(self, organization_id: UUID, asked: Asked) -> GatewayPayment | Refusal | None:
        """The gateway is asked within the time of a claim; a worker that slept longer is late."""
        attempt, claimed_at = asked.attempt, self._now()
        method = await asyncio.to_thread(self._claim, organization_id, attempt, claimed_at)
        if method is None:
            return None
        if self._now() - claimed_at >= CLAIM_HOLDS:
            raise Unavailable("The claim of the charge is over.", code="claim_over")
        try:
            async with asyncio.timeout(CLAIM_HOLDS.total_seconds()):
                return await asked.gateway.charge(attempt.request, method)
        except TimeoutError as error:
            raise Unavailable("The gateway takes too long.", code="charge_unknown") from error
        except (Rejected, InvalidInput) as refusal:
            if refusal.code == KEY_REFUSED:
                await asyncio.to_thread(self._withdraw, organization_id, attempt, claimed_at)
            if attempt.asked_at is not None and not attempt.is_old:
                # It refuses this request; another one before it may be on its way.
                raise Unavailable(refusal.detail, code=refusal.code) from refusal
            return refusal

    def _withdraw(self, organization_id: UUID, attempt: Attempt, claimed_at: datetime) -> None:
        """A gateway that takes no key of ours did nothing, and is asked again with another one.

        Raises Unavailable until nobody has replaced it for two days.
        """
        if attempt.asked_at is None:
            with self._transactions.for_organization(organization_id) as session:
                attempts.withdraw_claim(
                    session, organization_id, attempt.payment_id, claimed_at=claimed_at
                )
        if self._now() - attempt.begun_at < KEY_IS_REPLACED_WITHIN:
            raise Unavailable("The gateway does not take the key.", code=KEY_REFUSED)

    def _claim(
        self, organization_id: UUID, attempt: Attempt, claimed_at: datetime
    ) -> SavedMethod | None:
        with self._transactions.for_organization(organization_id) as session:
            return attempts.claim_attempt(
                session, organization_id, attempt.payment_id, now=claimed_at
            )


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Within it Temporal hears that the worker lives; if it does not, another takes over soon."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            activity.heartbeat()

    beats = asyncio.create_task(beat())
    try:
        yield
    finally:
        beats.cancel()


async def _look_up(asked: Asked) -> GatewayPayment | None:
    attempt = asked.attempt
    try:
        return await asked.gateway.find_payment(
            reference=None,
            key=attempt.request.idempotency_key,
            since=attempt.begun_at,
            until=None if attempt.asked_at is None else attempt.asked_at + CLAIM_HOLDS,
        )
    except Rejected as refusal:
        # What cannot be looked up is as unknown as before.
        raise Unavailable(refusal.detail, code=refusal.code) from refusal

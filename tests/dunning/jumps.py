"""A life on a test clock whose workflows are played by a test, in any order that they might run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities import declarations
from activities.declarations import AttemptRequest, CollectionReference, CollectionRequest
from activities.payments import PaymentActivities
from billing.payments.dunning import CollectionAction, CollectionState
from models.invoicing.invoices import Invoice
from models.notifications.emails import Email
from models.payments.collections import Collection
from models.payments.payments import Payment
from repositories.payments import collections as stored_collections
from services.subscriptions import clocks
from tests.dunning.gateway import ScriptedGateway
from tests.services.lives import Life
from tests.services.shop import NOW

STEPS = {
    CollectionAction.CHARGE: declarations.BEGIN_ATTEMPT,
    CollectionAction.REMIND: declarations.SEND_REMINDER,
    CollectionAction.END: declarations.END_COLLECTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A life, and the workflows of its invoices."""

    life: Life
    gateway: ScriptedGateway
    random: Random

    def advance(self, to: datetime) -> None:
        """The clock advances, and whoever has something to do does it, in a random order."""
        self.life.send_clock(to)
        idle = 0
        while self._is_advancing():
            idle = 0 if self._let_somebody_act() else idle + 1
            assert idle < 200, "everybody waits for somebody else"

    def _is_advancing(self) -> bool:
        shop = self.life.shop
        return shop.read(clocks.get_clock, self.life.clock_id).is_advancing

    def _let_somebody_act(self) -> bool:
        shop = self.life.shop
        collected = shop.read(stored_collections.list_active)
        subject = self.random.choice([None, *collected])
        return self._act_for_life() if subject is None else self._act_for(subject)

    def _act_for_life(self) -> bool:
        state = self.life.state()
        if state.agenda and state.clock_at and state.agenda[0].due_at <= state.clock_at:
            self.life.act(state.agenda[0])
            return True
        if state.is_behind and state.clock_at:
            self.life.do(clocks.record_progress, state.clock_at)
            return True
        return False

    def _act_for(self, invoice_id: UUID) -> bool:
        activities = PaymentActivities(self.life.shop.transactions, self.gateway, lambda: NOW)
        subject: dict[str, Any] = {
            "organization_id": str(self.life.shop.organization_id),
            "invoice_id": str(invoice_id),
        }
        state = activities.read_collection(CollectionReference(**subject))
        assert state.clock_at is not None
        if _is_due(state, state.clock_at):
            entry = state.entries[0]
            if entry.action is CollectionAction.SETTLE:
                request = AttemptRequest(**subject, payment_id=entry.payment_id or "")
                asyncio.run(ActivityEnvironment().run(activities.settle_attempt, request))
            else:
                step = getattr(activities, STEPS[entry.action].name)
                step(CollectionRequest(**subject, due_at=entry.due_at))
            return True
        if state.is_behind:
            activities.record_collection_progress(
                CollectionRequest(**subject, due_at=state.clock_at)
            )
            return True
        return False

    def told(self) -> dict[str, list[tuple[object, ...]]]:
        """All that happened, without the ids that differ between two lives."""
        shop, row = self.life.shop, self.life.row()
        with shop.transactions.for_organization(shop.organization_id) as session:
            invoices = session.exec(select(Invoice).order_by(col(Invoice.period_index))).all()
            places = {one.id: one.period_index for one in invoices}
            return {
                "subscription": [(row.status, row.ended_at, row.current_period_index)],
                "invoices": [
                    (one.period_index, one.invoice_number, one.status, one.amount_due)
                    for one in invoices
                ],
                "instants": [
                    (one.finalized_at, one.paid_at, one.past_due_at, one.due_date)
                    for one in invoices
                ],
                "payments": sorted(
                    (places[one.invoice_id] or 0, one.attempt, one.at, one.status, one.settled_at)
                    for one in session.exec(select(Payment)).all()
                ),
                "mails": sorted(
                    (places[one.invoice_id] or 0, one.cause, one.key.rpartition(".")[2])
                    for one in session.exec(select(Email)).all()
                    if one.invoice_id is not None and one.cause == "reminder"
                ),
                "ends": sorted(
                    (places[one.invoice_id] or 0, one.status, str(one.exhausted_at), one.end_action)
                    for one in session.exec(select(Collection)).all()
                ),
            }


def _is_due(state: CollectionState, present: datetime) -> bool:
    return bool(state.entries) and state.waits_for is None and state.entries[0].due_at <= present


def cut(random: Random, begin: datetime, end: datetime) -> list[datetime]:
    """Some instants on the way, and the end."""
    hours = int((end - begin) / timedelta(hours=1))
    stops = sorted(random.sample(range(1, hours), random.randint(2, 12)))
    return [*(begin + timedelta(hours=stop) for stop in stops), end]

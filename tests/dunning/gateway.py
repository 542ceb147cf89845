"""A gateway whose answers a test decides, with a ledger of its own that nobody else writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from billing.errors import Rejected, Unavailable
from billing.payments.gateways import (
    KEY_REFUSED,
    Gateway,
    GatewayDispute,
    GatewayEvent,
    GatewayPayment,
    GatewayRefund,
    GatewayStatus,
    PaymentLink,
    PaymentRequest,
    RefundRequest,
    SavedMethod,
)

METHOD = SavedMethod(customer_reference="cus_1", method_reference="pm_1", label="Visa 4242")


class Answer(StrEnum):
    """What becomes of a charge."""

    PAID = "paid"
    DECLINED = "declined"
    LOST = "lost"
    """It is charged, and the answer never arrives."""
    NEVER_ARRIVED = "never_arrived"
    """Nothing is charged, and nobody says so."""
    PENDING = "pending"
    REFUSED = "refused"
    NO_KEY = "no_key"
    """The gateway takes no key of ours: it did nothing."""


@dataclass
class ScriptedGateway:
    """Answers each charge as it was told, the last answer for all that follow.

    ``charges`` is what was really charged, by key: the same key is never charged twice.
    """

    answers: list[Answer] = field(default_factory=lambda: [Answer.PAID])
    charges: dict[str, GatewayPayment] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    pages: dict[str, list[GatewayPayment]] = field(default_factory=dict)
    """What was tried on pages, by their references."""
    ended: list[str] = field(default_factory=list)
    never_ends: Exception | None = None
    """What comes of ending a page."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def gateway_of(
        self, _session: Session, _organization_id: UUID, _connection_id: UUID
    ) -> Gateway:
        """This one speaks for every connection."""
        return self

    async def charge(self, request: PaymentRequest, method: SavedMethod) -> GatewayPayment:
        """What the next answer says."""
        assert method == METHOD
        with self._lock:
            self.asked.append(request.idempotency_key)
            answer = self.answer_to(request.amount)
            if answer is Answer.REFUSED:
                raise Rejected("The gateway does not take this request.", code="bad_request")
            if answer is Answer.NO_KEY:
                raise Rejected("There is no such key.", code=KEY_REFUSED)
            if answer is Answer.NEVER_ARRIVED:
                raise Unavailable("No answer.")
            told = self.charges.setdefault(request.idempotency_key, _told(request, answer))
        if answer is Answer.LOST:
            raise Unavailable("No answer.")
        return told

    def answer_to(self, _amount: Decimal) -> Answer:
        """The next one."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def find_payment(
        self,
        *,
        reference: str | None,
        key: str | None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> GatewayPayment | None:
        """What was charged under the key."""
        assert reference is None
        assert since is not None
        assert until is not None
        assert key is not None
        with self._lock:
            self.looked_up.append(key)
            return self.charges.get(key)

    def wait_until_looked_up(self) -> None:
        """Somebody asked what became of a charge."""
        deadline = time.monotonic() + 30
        while not self.looked_up:
            assert time.monotonic() < deadline, "nobody looked"
            time.sleep(0.05)

    def settle_all(self) -> None:
        """What was pending has succeeded."""
        with self._lock:
            for key, told in self.charges.items():
                self.charges[key] = replace(told, status=GatewayStatus.SUCCEEDED)

    async def create_link(self, request: PaymentRequest) -> PaymentLink:
        """None of its business."""
        raise NotImplementedError

    async def list_payments(self, link_reference: str) -> Sequence[GatewayPayment]:
        """What was tried on the page."""
        if self.never_ends is not None:
            raise self.never_ends
        return self.pages.get(link_reference, [])

    async def forget_method(self, method: SavedMethod) -> None:
        """None of its business."""
        raise NotImplementedError

    async def expire_link(self, reference: str) -> None:
        """Nothing can be paid on the page any more."""
        self.ended.append(reference)

    def pay_on_page(
        self, link_reference: str, request: PaymentRequest, answer: Answer = Answer.PAID
    ) -> None:
        """The customer paid there, or began to."""
        told = replace(_told(request, answer), references=(link_reference,), idempotency_key=None)
        self.pages[link_reference] = [told]

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """None of its business."""
        raise NotImplementedError

    async def find_refund(
        self, *, payment_reference: str, key: str | None, reference: str | None = None
    ) -> GatewayRefund | None:
        """None of its business."""
        raise NotImplementedError

    async def find_dispute(self, reference: str) -> GatewayDispute | None:
        """None of its business."""
        raise NotImplementedError

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> GatewayEvent:
        """None of its business."""
        raise NotImplementedError


def _told(request: PaymentRequest, answer: Answer) -> GatewayPayment:
    status = {
        Answer.DECLINED: GatewayStatus.FAILED,
        Answer.PENDING: GatewayStatus.PENDING,
    }.get(answer, GatewayStatus.SUCCEEDED)
    is_declined = status is GatewayStatus.FAILED
    return GatewayPayment(
        references=(f"pay_{request.idempotency_key}",),
        status=status,
        amount=request.amount,
        currency=request.currency,
        at=datetime.now(UTC),
        organization_id=request.organization_id,
        invoice_id=request.invoice_id,
        customer_id=request.customer_id,
        idempotency_key=request.idempotency_key,
        method="card",
        error_code="card_declined" if is_declined else None,
        error="The card was declined." if is_declined else None,
    )

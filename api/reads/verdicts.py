"""What strangers are told of a receipt: asked of the database now and then, whoever asks how often.

A verdict is computed by two at a time, for an address in its turn, and is good for ten minutes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.errors import NotFound
from models.invoicing.receipts import SignedReceipt
from repositories.invoicing import receipts as stored_receipts
from repositories.transactions import Transactions
from services.invoicing.receipt_checks import Judgment, judge
from services.receipts.seals import Fault, content_of

GOOD_FOR: Final = timedelta(minutes=10)
MOST_KEPT: Final = 1_000

MOST_EVENTS: Final = 50_000
"""Of a larger bill strangers hear whether receipt and rows agree; its owner can have it counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What anybody may know: ``equal``, ``different`` or ``unsigned``, and of what."""

    invoice_number: str | None
    total: str
    currency: str
    inputs_digest: str | None
    lines_digest: str | None
    signature: str | None
    verdict: str
    recomputed: bool
    void: bool
    checked_at: datetime


class VerdictCache:
    """The verdicts that were given lately, by receipt. Used by one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, Verdict] = OrderedDict()

    def find(self, receipt_id: UUID, *, now: datetime) -> Verdict | None:
        """The verdict, if it is still good."""
        kept = self._kept.get(receipt_id)
        return kept if kept is not None and kept.checked_at > now - GOOD_FOR else None

    def keep(self, receipt_id: UUID, verdict: Verdict) -> None:
        """Remember a verdict; the oldest is forgotten for it."""
        self._kept[receipt_id] = verdict
        self._kept.move_to_end(receipt_id)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def give_verdict(
    transactions: Transactions, receipt_id: UUID, now: Callable[[], datetime]
) -> Verdict:
    """Whether an invoice is what its receipt says. Raises NotFound."""
    with transactions.looking_up(stored_receipts.LOOKUP, str(receipt_id)) as session:
        receipt = stored_receipts.find_by_id(session, receipt_id)
    if receipt is None:
        raise NotFound("There is no such receipt.", code="receipt_not_found")
    with transactions.for_organization(receipt.organization_id) as session:
        judgment = judge(session, receipt, most_events=MOST_EVENTS)
    return _as_told(receipt, judgment, at=now())


def _as_told(receipt: SignedReceipt, judgment: Judgment, *, at: datetime) -> Verdict:
    fault = None if judgment.flaw is None else judgment.flaw.fault
    words = {None: "equal", Fault.UNSIGNED: "unsigned"}
    content = content_of(receipt)
    return Verdict(
        invoice_number=content.get("invoice_number"),
        total=str(content.get("total")),
        currency=str(content.get("currency")),
        inputs_digest=content.get("inputs_digest"),
        lines_digest=content.get("lines_digest"),
        signature=receipt.signature,
        verdict=words.get(fault, "different"),
        recomputed=judgment.has_recomputed,
        void=judgment.is_void,
        checked_at=at,
    )

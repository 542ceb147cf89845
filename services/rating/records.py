"""What the steps of a bill leave behind: rows that are added, never changed.

They are keyed by organization, subscription, period, revision and step, so a step that repeats
finds its own answer, and a revision never touches the evidence of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvariantBroken
from billing.invoicing.receipts import digest, from_document, to_document
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import SubscriptionPeriod
from repositories.invoicing import steps as stored_steps
from repositories.invoicing.steps import StoredRun

T = TypeVar("T")

USAGE, QUANTITIES, PRICED_LINES, EVIDENCE = "usage", "quantities", "priced_lines", "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillKey:
    """Which bill: the idempotency key of its steps, without the step."""

    organization_id: UUID
    subscription_id: UUID
    period_index: int
    revision: int = 1

    @classmethod
    def of(cls, stored: SubscriptionPeriod) -> BillKey:
        """The bill of a period, in the revision that it has now."""
        return cls(
            organization_id=stored.organization_id,
            subscription_id=stored.subscription_id,
            period_index=stored.index,
            revision=stored.revision,
        )

    @classmethod
    def of_invoice(cls, invoice: Invoice) -> BillKey:
        """The bill that a period's invoice shows, in the revision that it shows."""
        assert invoice.subscription_id is not None
        assert invoice.period_index is not None
        return cls(
            organization_id=invoice.organization_id,
            subscription_id=invoice.subscription_id,
            period_index=invoice.period_index,
            revision=invoice.revision,
        )


def load(session: Session, bill: BillKey, step: str, kind: type[T]) -> T:
    """What a step left behind. Raises InvariantBroken if it has not run."""
    run = find_runs(session, bill).get(step)
    if run is None:
        raise InvariantBroken(f"The step before left no {step}.", step=step)
    return from_document(kind, run.content)


def find_runs(session: Session, bill: BillKey) -> dict[str, StoredRun]:
    """The rows of one revision, read once in a transaction: rows are added, never changed."""
    kept: dict[BillKey, dict[str, StoredRun]] = session.info.setdefault("bill_runs", {})
    if bill not in kept:
        kept[bill] = _list_runs(session, bill)
    return kept[bill]


def forget_runs(session: Session) -> None:
    """Read every row of a bill anew: what this transaction added was taken back."""
    session.info.pop("bill_runs", None)


def _list_runs(session: Session, bill: BillKey) -> dict[str, StoredRun]:
    return stored_steps.list_runs(
        session,
        bill.organization_id,
        subscription_id=bill.subscription_id,
        period_index=bill.period_index,
        revision=bill.revision,
    )


def keep(
    session: Session, bill: BillKey, step: str, content: object, *, now: datetime
) -> StoredRun:
    """Keep what the step found. The first writer wins; everybody gets its row."""
    document, runs = to_document(content), find_runs(session, bill)
    mine = StoredRun(content=document, digest=digest(content))
    is_mine = stored_steps.insert_run(
        session,
        bill.organization_id,
        subscription_id=bill.subscription_id,
        period_index=bill.period_index,
        revision=bill.revision,
        step=step,
        content=document,
        digest=mine.digest,
        now=now,
    )
    runs[step] = mine if is_mine else _list_runs(session, bill)[step]
    return runs[step]

"""What the steps of a bill leave behind: rows that are added, never changed.

They are keyed by organization, subscription, period, revision and step, so a step that repeats
finds its own answer, and a revision never touches the evidence of another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
from repositories.invoicing.steps import RunKey, StoredRun

T = TypeVar("T")

USAGE, QUANTITIES, PRICED_LINES, EVIDENCE = "usage", "quantities", "priced_lines", "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillKey:
    """Which bill: the idempotency key of its steps, without the step."""

    organization_id: UUID
    subscription_id: UUID
    period_index: int
    revision: int = 1

    @property
    def key(self) -> RunKey:
        """As statements name it."""
        return self.organization_id, self.subscription_id, self.period_index, self.revision

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
    """The rows of one revision."""
    return read_runs(session, [bill])[bill]


def read_runs(
    session: Session, bills: Collection[BillKey]
) -> Mapping[BillKey, dict[str, StoredRun]]:
    """The rows of revisions, read once in a transaction: rows are added, never changed."""
    kept: dict[BillKey, dict[str, StoredRun]] = session.info.setdefault("bill_runs", {})
    missing = [bill for bill in bills if bill not in kept]
    if missing:
        found = stored_steps.list_runs(session, [bill.key for bill in missing])
        kept.update(zip(missing, found, strict=True))
    return kept


def forget_runs(session: Session) -> None:
    """Read every row of a bill anew: what this transaction added was taken back."""
    session.info.pop("bill_runs", None)


def keep_all(
    session: Session, step: str, contents: Mapping[BillKey, object], *, now: datetime
) -> None:
    """Keep what the step found of each bill. The first writer wins; everybody has its row."""
    if not contents:
        return
    runs = read_runs(session, contents)
    mine = {
        bill: StoredRun(content=to_document(content), digest=digest(content))
        for bill, content in contents.items()
    }
    written = stored_steps.insert_runs(
        session, step, {bill.key: run for bill, run in mine.items()}, now=now
    )
    lost = [bill for bill in mine if bill.key not in written]
    theirs = stored_steps.list_runs(session, [bill.key for bill in lost]) if lost else []
    mine |= {bill: found[step] for bill, found in zip(lost, theirs, strict=True)}
    for bill, run in mine.items():
        runs[bill][step] = run

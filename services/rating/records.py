"""What the steps of a bill leave behind: rows that are added, never changed.

They are keyed by organization, subscription, period, revision and step, so a step that repeats
finds its own answer, and a revision never touches the evidence of another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import is_
from typing import TypeVar, cast
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvariantBroken
from billing.invoicing.receipts import digest, from_document, to_document
from billing.rating.lines import PricedLine
from billing.rating.terms import PlanTerms
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import SubscriptionPeriod
from repositories.invoicing import steps as stored_steps
from repositories.invoicing.steps import RunKey, StoredRun
from services.rating.recent_runs import RECENT, RecentRuns

T = TypeVar("T")

USAGE, QUANTITIES, PRICED_LINES, EVIDENCE = "usage", "quantities", "priced_lines", "evidence"

_READ, _RECALLED = "bill_runs", "recalled_bills"
"""Keys of ``session.info``: what a transaction knows so far, and of which bills it read nothing."""


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
    run = _find_run(session, bill, step)
    if kind not in run.values:
        run.values[kind] = from_document(kind, run.content)
    return cast("T", run.values[kind])


def _find_run(session: Session, bill: BillKey, step: str) -> StoredRun:
    runs = find_runs(session, bill)
    if step not in runs:
        # What this process remembers of a bill need not be all: another one may have gone on.
        runs.update(*stored_steps.list_runs(session, [bill.key]))
    if step not in runs:
        raise InvariantBroken(f"The step before left no {step}.", step=step)
    return runs[step]


def find_runs(session: Session, bill: BillKey) -> dict[str, StoredRun]:
    """The rows of one revision."""
    return read_runs(session, [bill])[bill]


def read_runs(
    session: Session, bills: Collection[BillKey]
) -> Mapping[BillKey, dict[str, StoredRun]]:
    """The rows of revisions, read once in a transaction: rows are added, never changed.

    Those that the process remembers are not read at all.
    """
    kept: dict[BillKey, dict[str, StoredRun]] = session.info.setdefault(_READ, {})
    recent = _recent_of(session)
    if recent is not None:
        recalled = {bill: recent.find(bill.key) for bill in bills if bill not in kept}
        known = {bill: runs for bill, runs in recalled.items() if runs}
        kept.update(known)
        session.info.setdefault(_RECALLED, set()).update(known)
    missing = [bill for bill in bills if bill not in kept]
    if missing:
        found = stored_steps.list_runs(session, [bill.key for bill in missing])
        kept.update(zip(missing, found, strict=True))
    return kept


def confirm_runs(session: Session, bills: Collection[BillKey]) -> None:
    """What is known of the bills is what is stored: a document may be made of it.

    A process remembers what it was told is committed. A database that was replaced by a copy of
    itself may have lost that, or another process may have gone on.
    """
    runs = read_runs(session, bills)
    recalled = [bill for bill in bills if bill in session.info.get(_RECALLED, ())]
    if not recalled:
        return
    stored = stored_steps.list_digests(session, [bill.key for bill in recalled])
    doubtful = [
        bill
        for bill, digests in zip(recalled, stored, strict=True)
        if {step: run.digest for step, run in runs[bill].items()} != digests
    ]
    if doubtful:
        keys = [bill.key for bill in doubtful]
        session.info[_READ].update(
            zip(doubtful, stored_steps.list_runs(session, keys), strict=True)
        )
        # Else each step that is tried again would be done already, by what is nowhere.
        recent = _recent_of(session)
        if recent is not None:
            recent.forget(keys)


def forget_runs(session: Session) -> None:
    """Read every row of a bill anew: what this transaction added was taken back."""
    session.info.pop(_READ, None)
    session.info.pop(_RECALLED, None)


def know_terms(run: StoredRun, terms: PlanTerms) -> None:
    """Whoever needs the terms that a first step's row names finds them without a statement."""
    if (run.content["plan_id"], run.content["plan_version"]) == (str(terms.plan_id), terms.version):
        run.values[PlanTerms] = terms


def remember_runs(session: Session) -> None:
    """What a transaction read and added is remembered, now that it is committed."""
    recent = _recent_of(session)
    if recent is not None:
        read: dict[BillKey, dict[str, StoredRun]] = session.info.get(_READ, {})
        recent.remember({bill.key: runs for bill, runs in read.items() if runs})


def forget_recent_runs(session: Session) -> None:
    """No step of the bills that a transaction was about is to come."""
    recent = _recent_of(session)
    if recent is not None:
        recent.forget([bill.key for bill in session.info.get(_READ, {})])


def _recent_of(session: Session) -> RecentRuns | None:
    found = session.info.get(RECENT)
    return found if isinstance(found, RecentRuns) else None


def keep_all(
    session: Session, step: str, contents: Mapping[BillKey, object], *, now: datetime
) -> None:
    """Keep what the step found of each bill. The first writer wins; everybody has its row."""
    if not contents:
        return
    runs = read_runs(session, contents)
    mine = {bill: _write_run(content, runs[bill]) for bill, content in contents.items()}
    written = stored_steps.insert_runs(
        session, step, {bill.key: run for bill, run in mine.items()}, now=now
    )
    lost = [bill for bill in mine if bill.key not in written]
    theirs = stored_steps.list_runs(session, [bill.key for bill in lost]) if lost else []
    mine |= {bill: found[step] for bill, found in zip(lost, theirs, strict=True)}
    for bill, run in mine.items():
        runs[bill][step] = run


def _write_run(content: object, runs: Mapping[str, StoredRun]) -> StoredRun:
    """What a step found as its row: that of the step before where it hands on the same lines."""
    lines = content if isinstance(content, tuple) else ()
    for run in runs.values():
        known = cast("tuple[object, ...]", run.values.get(tuple[PricedLine, ...], ()))
        if lines and len(known) == len(lines) and all(map(is_, known, lines)):
            return StoredRun(content=run.content, digest=run.digest)
    return StoredRun(content=to_document(content), digest=digest(content))

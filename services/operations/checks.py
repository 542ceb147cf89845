"""What the hourly check came to, kept so that operators see it without asking for it again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session
from structlog.stdlib import BoundLogger

from repositories.operations.checks import COVERAGE, RECOMPUTED, CheckOutcome, write_check
from services.operations.coverage import Coverage
from services.operations.samples import Sample


@dataclass(slots=True)
class Round:
    """One round over all organizations, counted while it goes on."""

    subscriptions: int = 0
    repaired: int = 0
    unchecked: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    recomputed: int = 0
    flaws: Counter[str] = field(default_factory=Counter)

    def add(self, covered: Coverage, *, repaired: int) -> None:
        """An organization was looked at, and so many workflows were woken."""
        self.repaired += repaired
        self.subscriptions += covered.subscriptions
        self.findings.update(one.kind.value for one in covered.findings)

    def add_sample(self, sample: Sample) -> None:
        """Some of an organization's invoices were computed again."""
        self.recomputed += sample.examined
        self.flaws.update(one.fault.value for one in sample.flaws)

    def tell(self, log: BoundLogger) -> None:
        """One line in the log."""
        log.info(
            "coverage_checked",
            subscriptions=self.subscriptions,
            findings=self.findings.total(),
            repaired=self.repaired,
            recomputed=self.recomputed,
            different=self.flaws.total(),
        )


def keep_round(session: Session, done: Round, *, now: datetime) -> None:
    """The newest outcome is that of this round; invoices computed again count for the UTC day.

    Not idempotent: a round that is kept twice counts its invoices twice.
    """
    coverage = CheckOutcome(
        name=COVERAGE,
        examined=done.subscriptions,
        unchecked=done.unchecked,
        findings=done.findings,
    )
    write_check(session, coverage, begins_at=now, now=now)
    recomputed = CheckOutcome(name=RECOMPUTED, examined=done.recomputed, findings=done.flaws)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    write_check(session, recomputed, begins_at=midnight, now=now)

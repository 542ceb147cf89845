"""What must always hold, as operators see it: each with when it was last looked at, and the proof.

The rules themselves are those of the hourly check (:mod:`services.operations.findings`) and of
receipts (:mod:`services.invoicing.receipt_checks`); here they are only put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import Session

from models.installation_checks import InstallationCheck
from repositories.operations.checks import COVERAGE, RECOMPUTED, list_checks
from services.operations.findings import FindingKind

STALE_AFTER: Final = timedelta(hours=2, minutes=10)
"""Two rounds of the hourly check, and the time that one takes: after that nobody looks."""


class Standing(StrEnum):
    """Whether an invariant holds, from best to worst."""

    HOLDS = "holds"
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An invariant: what it says, what contradicts it, and how somebody proves it by hand."""

    name: str
    says: str
    broken_by: frozenset[FindingKind]
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """How a rule stands. ``examined`` counts what was looked at; None: never yet."""

    name: str
    says: str
    standing: Standing
    checked_at: datetime | None
    examined: int
    findings: Mapping[str, int]
    proof: str


_COVERAGE_PROOF: Final = "GET /api/v1/audit/coverage"

RULES: Final = (
    Rule(
        name="books_balance",
        says="Totals are the sums of their lines, and accounts the sums of their postings.",
        broken_by=frozenset(
            {
                FindingKind.ACCOUNT_CHANGED,
                FindingKind.AMOUNT_CHANGED,
                FindingKind.STATUS_CHANGED,
                FindingKind.CREDIT_DUE,
            }
        ),
        proof=_COVERAGE_PROOF,
    ),
    Rule(
        name="credit_adds_up",
        says="Each balance of prepaid credit is the sum of its movements, and each happened once.",
        broken_by=frozenset({FindingKind.CREDIT_CHANGED}),
        proof="GET /api/v1/audit/credits",
    ),
    Rule(
        name="periods_tile",
        says="The periods of every subscription follow each other without a gap or an overlap.",
        broken_by=frozenset(
            {FindingKind.GAP, FindingKind.NO_OPEN_PERIOD, FindingKind.PERIOD_MOVED}
        ),
        proof=_COVERAGE_PROOF,
    ),
    Rule(
        name="billed_once",
        says="Every period that ended has one invoice, in time, and all usage is charged.",
        broken_by=frozenset(
            {
                FindingKind.OVERDUE_PERIOD,
                FindingKind.STUCK_DRAFT,
                FindingKind.NEEDS_ATTENTION,
                FindingKind.LATE_USAGE_DUE,
                FindingKind.UNBILLED,
                FindingKind.UNBILLED_USAGE,
                FindingKind.DOUBLE_BILLED,
                FindingKind.MISSING_INVOICE,
            }
        ),
        proof=_COVERAGE_PROOF,
    ),
    Rule(
        name="numbers_have_no_gap",
        says="Every number of an invoice or a credit note stands on a document.",
        broken_by=frozenset({FindingKind.NUMBER_GAP}),
        proof=_COVERAGE_PROOF,
    ),
    Rule(
        name="receipts_chain",
        says="Every issued invoice has its receipt, and the chain has all of them.",
        broken_by=frozenset({FindingKind.RECEIPT_MISSING, FindingKind.EVIDENCE_CHANGED}),
        proof="fluxrate invoices verify --all",
    ),
    Rule(
        name="audit_log_chains",
        says="Every entry of the audit log is what was written, and bound to the one before it.",
        broken_by=frozenset({FindingKind.AUDIT_LOG_CHANGED}),
        proof="fluxrate audit verify",
    ),
    Rule(
        name="owners_run",
        says="A workflow runs for whatever has something left to happen, and messages reach it.",
        broken_by=frozenset(
            {
                FindingKind.MISSING_WORKFLOW,
                FindingKind.MISSING_COLLECTION,
                FindingKind.OLD_MESSAGES,
            }
        ),
        proof="fluxrate rebuild",
    ),
)
"""Each kind of finding breaks exactly one of them; a test looks for those that break none."""

RECOMPUTES: Final = "invoices_recompute"


def report_invariants(session: Session, *, now: datetime) -> list[Invariant]:
    """How every invariant stood at the newest round. A handful of rows, however large all is.

    Unknown is what was never looked at, or not for two hours, or not everywhere. What was found
    broken stays so until a round finds it mended.
    """
    checks = {one.name: one for one in list_checks(session)}
    return [
        *(_stands(rule, checks.get(COVERAGE), now=now) for rule in RULES),
        _recomputed(checks.get(RECOMPUTED), now=now),
    ]


def worst(invariants: Sequence[Invariant]) -> Standing:
    """The worst of the standings."""
    order = list(Standing)
    return max((one.standing for one in invariants), key=order.index, default=Standing.UNKNOWN)


def _stands(rule: Rule, check: InstallationCheck | None, *, now: datetime) -> Invariant:
    kinds = {kind.value for kind in rule.broken_by}
    found = {} if check is None else {k: n for k, n in check.findings.items() if n and k in kinds}
    return Invariant(
        name=rule.name,
        says=rule.says,
        standing=_judge(check, found, now=now),
        checked_at=None if check is None else check.checked_at,
        examined=0 if check is None else check.examined,
        findings=found,
        proof=rule.proof,
    )


def _recomputed(check: InstallationCheck | None, *, now: datetime) -> Invariant:
    found = {} if check is None else {kind: n for kind, n in check.findings.items() if n}
    # A day's count: what was computed yesterday says nothing of today.
    is_today = check is not None and check.begins_at.date() == now.date()
    return Invariant(
        name=RECOMPUTES,
        says="Issued invoices, drawn by lot and computed again today, come out as they were.",
        standing=_judge(check, found, now=now),
        checked_at=None if check is None else check.checked_at,
        examined=check.examined if check is not None and is_today else 0,
        findings=found,
        proof="fluxrate invoices verify --all",
    )


def _judge(
    check: InstallationCheck | None, findings: Mapping[str, int], *, now: datetime
) -> Standing:
    if check is None:
        return Standing.UNKNOWN
    if findings:
        return Standing.BROKEN
    is_whole = check.unchecked == 0 and check.checked_at > now - STALE_AFTER
    return Standing.HOLDS if is_whole else Standing.UNKNOWN

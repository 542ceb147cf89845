"""The newest outcome of each check of the whole installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.installation_checks import InstallationCheck

COVERAGE = "coverage"
"""Everything that the hourly check finds, of all organizations."""

RECOMPUTED = "recomputed"
"""Issued invoices that were computed again today, drawn by lot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What one round of a check came to; ``findings`` counts them by kind."""

    name: str
    examined: int
    findings: Mapping[str, int]
    unchecked: int = 0


def write_check(
    session: Session, outcome: CheckOutcome, *, begins_at: datetime, now: datetime
) -> None:
    """The outcome replaces the former one, or is added to it if that counts since ``begins_at``.

    Rounds of one check wait for each other.
    """
    before = session.exec(
        select(InstallationCheck)
        .where(InstallationCheck.name == outcome.name, InstallationCheck.begins_at == begins_at)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    findings = dict(outcome.findings)
    examined, unchecked = outcome.examined, outcome.unchecked
    if before is not None:
        kinds = {*before.findings, *findings}
        findings = {one: before.findings.get(one, 0) + findings.get(one, 0) for one in kinds}
        examined, unchecked = before.examined + examined, before.unchecked + unchecked
    values = {
        "begins_at": begins_at,
        "checked_at": now,
        "examined": examined,
        "unchecked": unchecked,
        "findings": findings,
    }
    statement = insert(InstallationCheck).values(name=outcome.name, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def list_checks(session: Session) -> Sequence[InstallationCheck]:
    """The newest outcome of every check that was ever done: a handful of rows."""
    return session.exec(
        select(InstallationCheck)
        .order_by(col(InstallationCheck.name))
        .execution_options(populate_existing=True)
    ).all()

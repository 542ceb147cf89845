"""What ``fluxrate doctor`` concludes from what it saw: each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from repositories.operations.server_facts import ServerFacts
from runtime.database.server import TESTED_SERVER
from services.operations.invariants import Standing
from services.operations.measures import Measures
from services.operations.outbound import WAITING, Outbound

CLOCKS_APART: Final = timedelta(seconds=2)
BUSY_CONNECTIONS: Final = 0.8
OLD_MESSAGE_SECONDS: Final = 300.0
LITTLE_SPACE_BYTES: Final = 2 * 1024**3


class State(StrEnum):
    """How something is, from best to worst."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at, how it is, and the remedy where it is not good."""

    subject: str
    state: State
    seen: str
    remedy: str = ""


def good(subject: str, seen: str) -> Diagnosis:
    """Nothing to do."""
    return Diagnosis(subject=subject, state=State.GOOD, seen=seen)


def doubtful(subject: str, seen: str, remedy: str) -> Diagnosis:
    """It works, and may not for long."""
    return Diagnosis(subject=subject, state=State.DOUBTFUL, seen=seen, remedy=remedy)


def wrong(subject: str, seen: str, remedy: str) -> Diagnosis:
    """Somebody must do something."""
    return Diagnosis(subject=subject, state=State.WRONG, seen=seen, remedy=remedy)


def judge_outbound(outbound: str) -> Diagnosis:
    """Whether anything leaves; where nothing does, somebody must know."""
    if outbound == Outbound.ON:
        return good("Outbound", f"{WAITING} leave")
    return doubtful(
        "Outbound",
        f"nothing leaves: {WAITING} wait",
        "Start it without --quiet and FLUXRATE_OUTBOUND=off where customers are billed.",
    )


def judge_server(facts: ServerFacts, *, newest: str, now: datetime) -> Iterator[Diagnosis]:
    """The database's server, its schema, its clock and the account that connects."""
    yield _judge_version(facts.major_version)
    if facts.revision == newest:
        yield good("Migrations", f"schema {facts.revision}, which this version needs")
    else:
        seen = f"schema {facts.revision}, and this version needs {newest}"
        yield wrong("Migrations", seen, "Run `fluxrate migrate`, or the version that fits.")
    apart = abs(facts.clock - now)
    seen = f"{apart.total_seconds():.2f} s between this machine and the database"
    if apart > CLOCKS_APART:
        yield wrong("Clocks", seen, "Let NTP (chrony, systemd-timesyncd) set both.")
    else:
        yield good("Clocks", seen)
    yield from _judge_account(facts)
    seen = f"{facts.partitions} months of usage have partitions"
    if facts.makes_partitions:
        yield good("Partitions", seen)
    else:
        yield wrong(
            "Partitions",
            f"{seen}, and none can be made",
            "GRANT EXECUTE ON FUNCTION ensure_usage_partition(date) TO fluxrate_app.",
        )
    seen = f"{facts.connections} of {facts.most_connections} are open"
    if facts.connections > facts.most_connections * BUSY_CONNECTIONS:
        yield doubtful("Connections", seen, "Raise max_connections, or run fewer processes.")
    else:
        yield good("Connections", seen)
    if not facts.survives_power_cuts:
        yield wrong(
            "Durability",
            "fsync or full_page_writes is off: a power cut loses what was acknowledged",
            "Set both to on in postgresql.conf, and reload it.",
        )


def judge_work(measures: Measures) -> Iterator[Diagnosis]:
    """Outbox, owners and everything that must always hold."""
    oldest = max(queue.oldest_seconds for queue in measures.queues.values())
    waiting = sum(queue.waiting for queue in measures.queues.values())
    seen = f"{waiting:,} messages wait, the oldest for {oldest:,.0f} s"
    if oldest > OLD_MESSAGE_SECONDS:
        remedy = "Look whether an API or a worker runs and reaches Temporal; its log says why."
        yield wrong("Outbox", seen, remedy)
    else:
        yield good("Outbox", seen)
    for one in measures.invariants:
        at = "never" if one.checked_at is None else f"{one.checked_at:%Y-%m-%d %H:%M} UTC"
        seen = f"looked at {at}"
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(one.findings.items()))
        match one.standing:
            case Standing.HOLDS:
                yield good(one.name, seen)
            case Standing.UNKNOWN:
                yield doubtful(one.name, seen, _remedy_of_unknown(one.checked_at))
            case Standing.BROKEN:
                yield wrong(one.name, f"{found}, {seen}", f"See {one.proof}")


def _remedy_of_unknown(checked_at: datetime | None) -> str:
    """Right after a first start nothing was looked at yet, and nothing is wrong."""
    if checked_at is None:
        return "The first check comes within the hour; if it does not, look whether a worker runs."
    return "Look whether a worker runs: it checks every hour."


def judge_erasures(overdue: int) -> Diagnosis:
    """What customers asked for, of which the law wants that it happens."""
    if overdue == 0:
        return good("Erasures", "no customer waits to be erased for longer than a day")
    return wrong(
        "Erasures",
        f"{overdue:,} customers wait to be erased for longer than a day",
        "Look whether an API or a worker runs: its log says retention_failed, and why.",
    )


def judge_space(place: str, free: int, total: int) -> Diagnosis:
    """The room that is left on a disk."""
    seen = f"{free / 1024**3:,.1f} of {total / 1024**3:,.1f} GiB are free in {place}"
    if free < LITTLE_SPACE_BYTES:
        return wrong("Disk", seen, "Make room: PostgreSQL stops when there is none.")
    return good("Disk", seen)


def _judge_version(major: int) -> Diagnosis:
    seen = f"PostgreSQL {major}"
    if major < TESTED_SERVER:
        remedy = f"Upgrade it some day: {TESTED_SERVER} is what the tests run on."
        return doubtful("Database", seen, remedy)
    return good("Database", seen)


def _judge_account(facts: ServerFacts) -> Iterator[Diagnosis]:
    if facts.acts_above_policies:
        yield wrong(
            "Account",
            "fluxrate_app sees the rows of every organization",
            "ALTER ROLE fluxrate_app NOSUPERUSER NOBYPASSRLS.",
        )
    elif facts.sees_everything:
        yield doubtful(
            "Account",
            "processes connect as a superuser, and act as fluxrate_app",
            "Give DATABASE_URL an account of its own: docs/operators/running.md, In production.",
        )
    else:
        yield good("Account", "processes see what fluxrate_app sees")

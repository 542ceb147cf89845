"""Transactions that fail at a named step: before, during or after its commit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import psycopg
from sqlalchemy import Engine
from sqlmodel import Session
from temporalio import activity

from repositories.transactions import Transactions


class Moment(StrEnum):
    """When it happens, seen from the commit of the step."""

    BEFORE = "before"
    """All work is done, nothing is committed."""
    DURING = "during"
    """The commit is on its way; nobody waits for the answer."""
    AFTER = "after"
    """It is committed; nobody has been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """At which step something happens, and when."""

    step: str
    moment: Moment


class ConnectionLost(psycopg.OperationalError):
    """The connection ended; what the server made of the last statement is unknown."""


class FailingTransactions(Transactions):
    """Does harm once, in the transaction of one step, and is ordinary in all others."""

    def __init__(self, engine: Engine, crash: Crash, harm: Callable[[], None]) -> None:
        super().__init__(engine)
        self._crash = crash
        self._harm = harm
        self.has_struck = False

    @contextmanager
    def for_organizations(self, organization_ids: Sequence[UUID]) -> Iterator[Session]:
        """A transaction; at the step of the crash it goes wrong."""
        strikes = self._is_now()
        with super().for_organizations(organization_ids) as session:
            yield session
            session.flush()
            if strikes and self._crash.moment is Moment.BEFORE:
                self._strike()
            if strikes and self._crash.moment is Moment.DURING:
                send_commit(session)
                self._strike()
        if strikes and self._crash.moment is Moment.AFTER:
            self._strike()

    def _is_now(self) -> bool:
        is_named = activity.in_activity() and activity.info().activity_type == self._crash.step
        return is_named and not self.has_struck

    def _strike(self) -> None:
        self.has_struck = True
        self._harm()


def send_commit(session: Session) -> None:
    """The commit leaves the process; its answer is not awaited and the connection is given up."""
    connection = session.connection()
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    raw.pgconn.send_query(b"COMMIT")
    while raw.pgconn.flush():
        pass
    connection.invalidate()


def kill_this_process() -> None:
    """As if the machine lost power."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose_the_connection() -> None:
    """The step hears of a lost connection instead of its answer."""
    raise ConnectionLost("server closed the connection unexpectedly")

"""Ending work in the database from outside: by its caller, by the clock, or for a silent server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from billing.errors import Unavailable

CANCEL_SECONDS: Final = 1.0
"""How long the server may take to hear that a statement is not wanted any more."""


LOOK_SECONDS: Final = 0.1
"""How often a thread that waits for the server looks up."""

Given = TypeVar("Given")


class SilentServer(OperationalError):
    """The server took what was sent and says nothing: it is frozen, or the network is gone.

    Its connection is closed; whether a statement or commit took effect is not known.
    """


class TimedConnection(psycopg.Connection[Any]):
    """A connection that is given up when its server is silent for ``answer_seconds``; None waits.

    The kernel takes what is sent to a frozen server, so that neither the network nor the server's
    own ``statement_timeout`` ends the wait. Raises SilentServer.
    """

    answer_seconds: float | None = None

    def wait(
        self, gen: PQGen[Given], interval: float = LOOK_SECONDS, timeout: float | None = None
    ) -> Given:
        """What the driver waits for at every statement, and at every commit."""
        try:
            return super().wait(gen, interval, _bound(timeout, self.answer_seconds))
        except OperationalError as error:
            if timeout is None and _is_unanswered(self):
                self.pgconn.finish()
                raise _silent() from error
            raise


class TimedAsyncConnection(AsyncConnection[Any]):
    """As :class:`TimedConnection`, on the event loop; who cancels it waits no longer either."""

    answer_seconds: float | None = None

    async def wait(
        self,
        gen: PQGen[Given],
        interval: float = LOOK_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109  (the driver's parameter)
    ) -> Given:
        """What the driver waits for at every statement, and at every commit."""
        try:
            return await super().wait(gen, interval, _bound(timeout, self.answer_seconds))
        except OperationalError as error:
            if timeout is None and _is_unanswered(self):
                self.pgconn.finish()
                raise _silent() from error
            raise

    async def cancel_safe(
        self,
        *,
        timeout: float = CANCEL_SECONDS,  # noqa: ASYNC109  (the driver's parameter)
    ) -> None:
        """The statement under way is cancelled, if the server hears of it in a second."""
        await super().cancel_safe(timeout=min(timeout, CANCEL_SECONDS))


def _bound(asked: float | None, of_connection: float | None) -> float | None:
    return of_connection if asked is None else asked


def _is_unanswered(connection: psycopg.Connection[Any] | AsyncConnection[Any]) -> bool:
    """Whether a statement is under way still, where waiting for it has ended."""
    return connection.pgconn.transaction_status == TransactionStatus.ACTIVE


def _silent() -> SilentServer:
    return SilentServer("the server does not answer; the connection was closed")


class CancelScope:
    """The database work of one request: no connection most of the time, one in a transaction.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._began_at: float | None = None
        self._reason: Unavailable | None = None

    @property
    def seconds(self) -> float:
        """How long the open transaction has held its connection; 0 if none is open."""
        began_at = self._began_at
        return 0.0 if began_at is None else time.monotonic() - began_at

    def cancel(self, reason: Unavailable) -> None:
        """The statement under way is cancelled, no other begins, and nothing is committed.

        Blocks until the server has heard of it. Raised in the thread that works: ``reason``.
        Repeating it changes nothing.
        """
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            if self._connection is not None:
                with suppress(Error):
                    self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def cancel_at_rest(self, reason: Unavailable) -> bool:
        """As :meth:`cancel` where no transaction is open and nobody cancels, without a wait.

        False where something is under way: :meth:`cancel` may have to wait for the server.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._connection is not None:
                return False
            self._reason = self._reason or reason
            return True
        finally:
            self._lock.release()

    def require_going_on(self) -> None:
        """Return unless it was canceled. Raises the reason."""
        if self._reason is not None:
            raise self._reason

    @contextmanager
    def over(self, connection: Connection) -> Iterator[None]:
        """The block works on the connection. Raises the reason if that was canceled."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            with self._lock:
                self.require_going_on()
                self._connection, self._began_at = driver, time.monotonic()
            yield
        except DBAPIError:
            # The database's word for it is a cancelled statement.
            self.require_going_on()
            raise
        finally:
            # A cancellation that is on its way reaches the server before anybody else's statement.
            with self._lock:
                self._connection = self._began_at = None


current_cancel_scope: ContextVar[CancelScope | None] = ContextVar(
    "current_cancel_scope", default=None
)
"""That of the request that this thread or task works for, if it works for one."""


def require_going_on(*_statement: object) -> None:
    """Return if the request that this statement belongs to goes on. Raises why it does not."""
    scope = current_cancel_scope.get()
    if scope is not None:
        scope.require_going_on()

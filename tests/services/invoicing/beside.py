"""What another connection does in the middle of a transaction, always at the same statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from sqlalchemy import event
from sqlmodel import Session

from runtime.embedded.processes import wait_until

IS_WAITED_FOR: Final = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
)
"""


@contextmanager
def beside(session: Session, words: str, act: Callable[[], object]) -> Iterator[None]:
    """Before the session says the first statement with these words, ``act`` is done elsewhere.

    Where it waits for a lock of the session it is done once that has committed.
    """
    connection = session.connection()
    acting: list[Future[object]] = []

    def meet(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if acting or words not in statement:
            return
        acting.append(other.submit(act))
        assert wait_until(is_met, timeout_seconds=60)

    def is_met() -> bool:
        is_waited_for = connection.exec_driver_sql(IS_WAITED_FOR).scalar_one()
        return acting[0].done() or bool(is_waited_for)

    with ThreadPoolExecutor(max_workers=1) as other:
        event.listen(connection, "before_cursor_execute", meet)
        try:
            yield
            session.flush()
        finally:
            event.remove(connection, "before_cursor_execute", meet)
        session.commit()
        [done] = acting
        done.result(60)

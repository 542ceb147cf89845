"""Steps in groups: whoever waits while others are served shares the next transaction."""

from __future__ import annotations

import asyncio
import time
from asyncio import current_task
from collections.abc import Callable, Collection, Hashable, Sequence
from concurrent.futures import Executor
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from activities.turns import Spent, Stopwatch, Turns

Request = TypeVar("Request")
Result = TypeVar("Result")

MOST_TOGETHER: Final = 50
"""Enough to share a commit among; few enough that nobody waits long for their locks."""

ENOUGH_TO_BEGIN: Final = 24
"""So many begin their first step beside others: a third of those that a process has at a time."""

WRITERS: Final = 2

GATHER_SECONDS: Final = 0.004
"""Whoever comes within that after another one is of the same group."""

MOST_GATHERING_SECONDS: Final = 0.1
"""Nobody waits longer for others to come."""

COMING_SECONDS: Final = 0.5
"""So long those who were served together may take until they ask for their next step.

On a quiet machine they take some hundredths; all but a workflow that was ended do come.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiting(Generic[Request, Result]):
    """A caller who waits for the commit, and what is known of the call around it."""

    request: Request
    answer: asyncio.Future[Result]
    context: Context
    was_expected: bool


def _tell_nobody(_requests: Sequence[object], _results: Sequence[object]) -> None:
    """Nobody else waits for a group."""


def _nobody() -> bool:
    return False


class Gatherer(Generic[Request, Result]):
    """Callers of one step, served together by one of a few threads.

    ``perform`` answers each request with its result or with what went wrong; ``turns`` says when
    the next group may be served. ``subject_of`` says
    what a request is about: no group has two about the same, so that a repeat of a call that was
    given up for lost comes after it. ``answered`` is told of each group before its callers are.
    While ``others_go_on``, from one step to the next, those who begin let more of them come.
    """

    def __init__(
        self,
        perform: Callable[[Sequence[Request]], Sequence[Result | Exception]],
        subject_of: Callable[[Request], Hashable],
        executor: Executor | None,
        turns: Turns,
        answered: Callable[[Sequence[Request], Sequence[Result | Exception]], None] = _tell_nobody,
        *,
        others_go_on: Callable[[], bool] = _nobody,
    ) -> None:
        self._answered = answered
        self._others_go_on = others_go_on
        self._perform = perform
        self._subject_of = subject_of
        self._executor = executor
        self._turns = turns
        self._waiting: list[_Waiting[Request, Result]] = []
        self._writers: set[asyncio.Task[None]] = set()
        self._coming: dict[Hashable, object] = {}
        self._serving = 0

    async def submit(self, request: Request) -> Result:
        """The result, once it is committed. Raises what went wrong with this request."""
        loop = asyncio.get_running_loop()
        group = self._coming.pop(self._subject_of(request), None)
        waiting = _Waiting(
            request=request,
            answer=loop.create_future(),
            context=copy_context(),
            was_expected=group is not None,
        )
        self._waiting.append(waiting)
        if self._is_whole():
            self._turns.look()
        if len(self._writers) < WRITERS:
            # A writer works for many callers, so it is not within any one of them.
            writer = loop.create_task(self._write(), context=Context())
            self._writers.add(writer)
        result: Result = await waiting.answer
        return result

    def expect(self, subjects: Collection[Hashable]) -> None:
        """Requests about these are on their way: the next group waits for them, for a while.

        Who was served together stays together, so that what a group costs is shared on.
        """
        group = object()
        self._coming.update(dict.fromkeys(subjects, group))
        asyncio.get_running_loop().call_later(COMING_SECONDS, self._give_up, group)

    def _give_up(self, group: object) -> None:
        """Those of a group who should have come by now are waited for no longer."""
        self._coming = {one: its for one, its in self._coming.items() if its is not group}
        self._turns.look()

    @property
    def goes_on(self) -> bool:
        """Whether any are served, or are here or on their way from the step before."""
        return self._serving > 0 or bool(self._coming) or self._has_followers()

    def _has_followers(self) -> bool:
        return any(one.was_expected for one in self._waiting)

    def _is_whole(self) -> bool:
        """Nobody else is waited for.

        Who begins alone stays alone at every step, so beginners wait until they are enough, or
        nobody else would be held up by them.
        """
        if len(self._waiting) >= MOST_TOGETHER:
            return True
        if self._coming:
            return False
        is_enough = len(self._waiting) >= ENOUGH_TO_BEGIN or self._has_followers()
        return is_enough or not self._others_go_on()

    async def _write(self) -> None:
        """Nobody waits any more."""
        try:
            while self._waiting:
                await self._gather()
                # Whoever comes until it is this one's turn is in the group.
                async with self._turns.take(self._count, self._is_whole):
                    group = self._take()
                    if group:
                        await self._serve_counted(group)
        finally:
            # At once: whoever comes before the task is known to have ended would wait for it.
            self._writers.discard(current_task())

    async def _gather(self) -> None:
        """Those who come at about the same moment are there: a group before has let them go on."""
        ends_at = time.monotonic() + MOST_GATHERING_SECONDS
        there = 0
        while there < len(self._waiting) < MOST_TOGETHER and time.monotonic() < ends_at:
            there = len(self._waiting)
            await asyncio.sleep(GATHER_SECONDS)

    def _count(self) -> int:
        return len(self._waiting)

    def _take(self) -> list[_Waiting[Request, Result]]:
        """Those who have waited longest, each subject once."""
        group: dict[Hashable, _Waiting[Request, Result]] = {}
        later = []
        for one in self._waiting:
            subject = self._subject_of(one.request)
            if one.answer.done():
                continue  # given up
            if len(group) < MOST_TOGETHER and subject not in group:
                group[subject] = one
            else:
                later.append(one)
        self._waiting = later
        return list(group.values())

    def _perform_timed(
        self, requests: Sequence[Request]
    ) -> tuple[Sequence[Result | Exception], Spent]:
        stopwatch = Stopwatch()
        return self._perform(requests), stopwatch.read()

    async def _serve_counted(self, group: Sequence[_Waiting[Request, Result]]) -> None:
        self._serving += 1
        try:
            await self._serve(group)
        finally:
            self._serving -= 1

    async def _serve(self, group: Sequence[_Waiting[Request, Result]]) -> None:
        """Every caller of the group is answered, whatever happens."""
        requests = [one.request for one in group]
        loop = asyncio.get_running_loop()
        try:
            # The thread knows the activity that it works for: the first caller's.
            results, spent = await loop.run_in_executor(
                self._executor, group[0].context.run, self._perform_timed, requests
            )
            self._turns.learn(spent)
        except Exception as error:  # noqa: BLE001  (handed to the callers, who raise it)
            results = [error for _ in group]
        except BaseException:
            for one in group:
                one.answer.cancel()
            raise
        self._answered(requests, results)
        for one, result in zip(group, results, strict=True):
            if one.answer.done():
                continue
            if isinstance(result, Exception):
                one.answer.set_exception(result)
            else:
                one.answer.set_result(result)

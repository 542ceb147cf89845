"""Whom a request works for, how many of theirs do at once, and when it is given up.

A request takes a slot of its organization before it holds anything (docs/decisions/0018). It is
given up when its caller hangs up, and when it has held a database connection for too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.access.authentication import (
    authenticate_async,
    claimed_organization,
    count_request,
    shown_api_key,
)
from api.admission.slots import VISITORS, Admission, caller_left
from api.context import AppContext, ContextDep, state_of
from api.transport.errors import TOO_SLOW
from billing.errors import Unauthenticated, Unavailable
from repositories.cancellation import CancelScope, current_cancel_scope

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


async def admit_request(request: Request, context: ContextDep) -> AsyncIterator[None]:
    """The request has a slot of its organization until its transaction has ended."""
    # What is deleted is ended first, and what ends is billed.
    like = state_of(request.app).slots.bills if request.method == "DELETE" else None
    async with _admitted(request, context, like):
        yield


async def admit_billing_request(request: Request, context: ContextDep) -> AsyncIterator[None]:
    """As :func:`admit_request`; a request that may bill many periods waits for its like first."""
    bills = state_of(request.app).slots.bills
    async with _admitted(request, context, bills if request.method not in SAFE_METHODS else None):
        yield


async def admit_counting_request(request: Request, context: ContextDep) -> AsyncIterator[None]:
    """As :func:`admit_request`; what counts everything there ever was waits for its like first."""
    async with _admitted(request, context, state_of(request.app).slots.counts):
        yield


async def watch_caller(request: Request, context: ContextDep) -> AsyncIterator[None]:
    """The request is given up when its caller hangs up; it takes slots by :func:`work`."""
    async with watch(request, context):
        yield


async def work(
    request: Request, do: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs
) -> Answer:
    """What ``do`` returns, which has a thread and a place of the visitors' meanwhile."""
    return await work_for(VISITORS, request, do, *given, **named)


async def work_for(
    party: Hashable,
    request: Request,
    do: Callable[Given, Answer],
    *given: Given.args,
    **named: Given.kwargs,
) -> Answer:
    """As :func:`work`, in a place of this party."""
    slots = state_of(request.app).slots
    async with slots.all.admit(party, leaving=leaving_of(request)):
        return await run_in_threadpool(do, *given, **named)


def leaving_of(request: Request) -> asyncio.Future[None]:
    """Done when the caller of a request hangs up."""
    leaving: asyncio.Future[None] = request.state.leaving
    return leaving


# Function scope ends them when the route's transaction has been committed.
ADMITTED: Final = Depends(admit_request, scope="function")
BILL_ADMITTED: Final = Depends(admit_billing_request, scope="function")
COUNT_ADMITTED: Final = Depends(admit_counting_request, scope="function")
CALLER_WATCHED: Final = Depends(watch_caller, scope="function")


@asynccontextmanager
async def _admitted(
    request: Request, context: AppContext, like: Admission | None
) -> AsyncIterator[None]:
    slots = state_of(request.app).slots
    async with watch(request, context) as leaving, AsyncExitStack() as taken:
        party = await _party_of(request, context)
        for admission in (slots.all,) if like is None else (like, slots.all):
            await taken.enter_async_context(admission.admit(party, leaving=leaving))
        yield


async def _party_of(request: Request, context: AppContext) -> UUID | str:
    """The organization of the credentials; bad ones are the visitors', and refused by the route.

    Raises TooManyRequests before anything waits.
    """
    try:
        secret = shown_api_key(request)
        if secret is None:
            return claimed_organization(request, context) or VISITORS
        known = context.key_cache.find(context.security.digest(secret))
        if known is None:
            slots = state_of(request.app).slots
            async with slots.all.admit(VISITORS, leaving=leaving_of(request)):
                known = await authenticate_async(request, context)
    except Unauthenticated:
        return VISITORS
    count_request(request, known)
    return known.organization_id


@asynccontextmanager
async def watch(request: Request, context: AppContext) -> AsyncIterator[asyncio.Future[None]]:
    """The request is given up within the block when its caller leaves, or it lasts for too long."""
    watched = _Watch(request, context.transaction_seconds)
    request.state.leaving = watched.leaving
    previous = current_cancel_scope.set(watched.scope)
    try:
        yield watched.leaving
    finally:
        current_cancel_scope.reset(previous)
        watched.end()


class _Watch:
    """Cancels a request's work when its caller hangs up, or a transaction lasts for too long."""

    def __init__(self, request: Request, transaction_seconds: float) -> None:
        self.scope = CancelScope()
        self._transaction_seconds = transaction_seconds
        self.leaving: asyncio.Task[None] = asyncio.create_task(_wait_for_hang_up(request))
        self.leaving.add_done_callback(self._notice_hang_up)
        self._loop = asyncio.get_running_loop()
        self._check = self._loop.call_later(transaction_seconds, self._notice_time)
        self._ending: asyncio.Future[None] | None = None

    def end(self) -> None:
        """Nothing is watched any more."""
        self._check.cancel()
        self.leaving.cancel()

    def _notice_hang_up(self, leaving: asyncio.Task[None]) -> None:
        if not leaving.cancelled() and leaving.exception() is None:
            self._give_up(caller_left())

    def _notice_time(self) -> None:
        left = self._transaction_seconds - self.scope.seconds
        if left > 0:
            self._check = self._loop.call_later(left, self._notice_time)
        else:
            self._give_up(_too_slow())

    def _give_up(self, reason: Unavailable) -> None:
        if self.scope.cancel_at_rest(reason):
            return
        # Telling the server takes a moment, in which the event loop does other things.
        self._ending = self._loop.run_in_executor(None, self.scope.cancel, reason)


async def _wait_for_hang_up(request: Request) -> None:
    message: Any = await request.receive()
    while message["type"] != "http.disconnect":
        message = await request.receive()


def _too_slow() -> Unavailable:
    code, detail = TOO_SLOW
    return Unavailable(detail, code=code)

"""The interface of the sandbox gateway: what an account asks over HTTP, and what it is answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from billing.errors import BillingError, Conflict, InvalidInput, NotFound, Unauthenticated
from integrations.gateways.sandbox import requests as verbs
from integrations.gateways.sandbox.faults import NO_FAULTS, Faults, find_plan
from integrations.gateways.sandbox.ledger.books import require_account
from integrations.gateways.sandbox.requests import Asked, Told, Verb
from integrations.gateways.sandbox.threads import LedgerThreads
from integrations.gateways.sandbox.wire import (
    ACCOUNT,
    IDEMPOTENCY_KEY,
    WEBHOOK_URL,
    Refused,
    decode,
    encode,
)

PREFIX: Final = "/sandbox/v1"
LONGEST_BODY: Final = 64 * 1024
MOST_COUNTED: Final = 100_000

LOST: Final = 504
"""What stands for an answer that never comes: whoever reads it knows nothing."""

STATUSES: Final[Mapping[type[BillingError], int]] = {
    Unauthenticated: 401,
    NotFound: 404,
    Conflict: 409,
    InvalidInput: 422,
}

VERBS: Final[tuple[tuple[str, str, Verb], ...]] = (
    ("POST", "/links", verbs.create_link),
    ("GET", "/links/{link}/payments", verbs.list_payments),
    ("POST", "/links/{link}/expire", verbs.expire_link),
    ("POST", "/charges", verbs.charge),
    ("GET", "/payments", verbs.find_payment),
    ("POST", "/refunds", verbs.refund),
    ("GET", "/refunds", verbs.find_refund),
    ("POST", "/disputes", verbs.set_dispute),
    ("GET", "/disputes", verbs.find_dispute),
    ("POST", "/methods/{method}/forget", verbs.forget_method),
    ("POST", "/faults", verbs.set_faults),
)
UNFAILING: Final = frozenset({verbs.set_faults, verbs.set_dispute})
"""What tests ask for, which is never struck by what they ask for."""


class _Customer(msgspec.Struct):
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    account_id: UUID
    key: str
    webhook_url: str


class Interface:
    """Routes under ``/sandbox/v1``, whose answers the faults of the account's plan strike."""

    def __init__(
        self,
        ledger: LedgerThreads,
        *,
        page_of: Callable[[str], str],
        now: Callable[[], datetime],
        told: Callable[[], None],
    ) -> None:
        """``told`` hears that there may be webhooks to send."""
        self._ledger = ledger
        self._page_of = page_of
        self._now = now
        self._told = told
        self._asked: Counter[str] = Counter()
        self._late: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """One for each verb."""
        return [
            Route(PREFIX + path, answered(partial(self._answer, verb)), methods=[method])
            for method, path, verb in VERBS
        ]

    async def _answer(self, verb: Verb, request: Request) -> Response:
        caller = _read_caller(request)
        asked = Asked(
            account_id=caller.account_id,
            body=await read_body(request),
            names={**request.query_params, **request.path_params},
            key=request.headers.get(IDEMPOTENCY_KEY, ""),
            page_of=self._page_of,
            now=self._now(),
        )
        subject = self._number(f"{caller.account_id} {request.method} {request.url} {asked.key}")
        faults, told = await self._ledger.run(partial(_try, verb, caller, asked, subject))
        if told is None:
            if not faults.strikes("lost_before", subject):
                self._do_later(verb, asked, faults.late_seconds)
            return _lost()
        self._told()
        if faults.strikes("slow", subject):
            await asyncio.sleep(faults.slow_seconds)
        if told.is_lost or faults.strikes("lost_after", subject):
            return _lost()
        return _ok(told)

    def _do_later(self, verb: Verb, asked: Asked, seconds: int) -> None:
        async def do() -> None:
            await asyncio.sleep(seconds)
            await self._ledger.run(partial(verb, asked=asked))
            self._told()

        task = asyncio.create_task(do())
        self._late.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            # Nobody is told of what is done late, nor that it was refused.
            task.exception()

    def _number(self, subject: str) -> str:
        """The subject, and how often it was asked: a repeat may end otherwise."""
        if len(self._asked) > MOST_COUNTED:
            self._asked.clear()
        self._asked[subject] += 1
        return f"{subject} {self._asked[subject]}"


def answered(
    handle: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """The handler, whose errors are answers."""

    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except BillingError as error:
            status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 400)
            return refusal(status, error.code, error.detail)
        except DataError:
            return refusal(422, "invalid_body", "There is a text that no database takes.")
        except SQLAlchemyError:
            return refusal(503, "unavailable", "The ledger cannot be reached.")

    return answer


def refusal(status: int, code: str, detail: str) -> Response:
    """An answer that says no."""
    body = encode(Refused(code=code, detail=detail))
    return Response(body, status_code=status, media_type="application/json")


async def read_body(request: Request) -> bytes:
    """The body, of a length that is read. Raises InvalidInput."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise InvalidInput("The body is too long.", code="too_large")
    return body


def _read_caller(request: Request) -> _Caller:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    try:
        account_id = UUID(request.headers.get(ACCOUNT, ""))
    except ValueError as error:
        raise Unauthenticated(f"The request needs {ACCOUNT}.") from error
    webhook_url = request.headers.get(WEBHOOK_URL, "")
    if scheme.casefold() != "bearer" or not key or not webhook_url:
        raise Unauthenticated("The request needs a key and the address of its webhooks.")
    return _Caller(account_id=account_id, key=key, webhook_url=webhook_url)


def _try(
    verb: Verb, caller: _Caller, asked: Asked, subject: str, connection: Connection
) -> tuple[Faults, Told | None]:
    """The plan that holds for the request, of an account that is open, and what was done.

    That is nothing yet, if the plan says so.
    """
    require_account(
        connection,
        caller.account_id,
        key=caller.key,
        webhook_url=caller.webhook_url,
        now=asked.now,
    )
    customer_id = decode(asked.body, _Customer).customer_id if asked.body else None
    if verb in UNFAILING:
        return NO_FAULTS, verb(connection, asked)
    faults = find_plan(connection, caller.account_id, customer_id)
    if faults.strikes("lost_before", subject) or faults.strikes("late", subject):
        return faults, None
    return faults, verb(connection, asked)


def _ok(told: Told) -> Response:
    return Response(told.body, media_type="application/json")


def _lost() -> Response:
    return refusal(LOST, "answer_lost", "No answer came.")

"""Idempotency-Key: a POST that is repeated is answered again and done once (CONTRACT 5).

The answer is stored in the transaction of its effect, so both exist or neither does: whatever is
cut off by a crash can simply be repeated. A request that fails stores nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from fastapi import Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.transport.urls.paths import path_of
from billing.errors import Conflict, InvalidInput
from repositories import idempotency
from repositories.idempotency import RequestName
from repositories.transactions import Transactions

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
KEPT_FOR = timedelta(hours=24)
MAXIMUM_LENGTH = 255
BEGUN = 102
"""The status under which the meaning of a request is kept that was not answered yet."""
OWN_IDENTITY = ("/api/v1/usage", "/api/v1/sdk")
"""Routes of events, whose own keys rule (CONTRACT 45)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """What a request with a key must equal to be a repeat."""

    method: str
    path: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A keyed request on its way, with the transaction that its answer is stored in."""

    session: Session
    name: RequestName
    fingerprint: str
    now: datetime


class Replayed(Exception):
    """The request was answered before, and this is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("replayed")
        self.response = response


async def answer_once(
    request: Request, handle: Callable[[Request], Awaitable[Response]]
) -> Response:
    """The answer of ``handle``, or the stored one if the request repeats another.

    Raises InvalidInput for a malformed key.
    """
    is_keyed = request.method == "POST" and HEADER in request.headers
    if not is_keyed or path_of(request.scope).startswith(OWN_IDENTITY):
        return await handle(request)
    request.state.keyed_request = _name_request(request, await request.body())
    try:
        response = await handle(request)
    except Replayed as replayed:
        return replayed.response
    opened: OpenRequest | None = getattr(request.state, "open_request", None)
    if opened is not None and response.status_code < 400:
        body: bytes = getattr(request.state, "kept_body", bytes(response.body))
        await run_in_threadpool(_keep, opened, response.status_code, body.decode())
    return response


def begin(request: Request, session: Session, organization_id: UUID, *, now: datetime) -> None:
    """The transaction answers this request, and no other does at the same time.

    Does nothing for a request without a key. Raises Replayed if it was answered within 24 hours,
    Conflict if another transaction is answering it, InvalidInput if the key belongs to a request
    with another body.
    """
    keyed: KeyedRequest | None = getattr(request.state, "keyed_request", None)
    if keyed is None:
        return
    name = RequestName(
        organization_id=organization_id, method=keyed.method, path=keyed.path, key=keyed.key
    )
    if not idempotency.try_lock_request(session, name):
        raise Conflict(
            "A request with this Idempotency-Key is still running.",
            code="idempotency_key_in_use",
            field=HEADER,
        )
    answer = idempotency.find_answer(session, name)
    if answer is not None and answer.created_at > now - KEPT_FOR:
        if answer.fingerprint != keyed.fingerprint:
            raise InvalidInput(
                "This Idempotency-Key was used for a request with another body.",
                code="idempotency_key_reused",
                field=HEADER,
            )
        if answer.status != BEGUN:
            raise Replayed(_repeat(answer.status, answer.body))
        request.state.meaning = answer.body.encode()
    request.state.open_request = OpenRequest(
        session=session, name=name, fingerprint=keyed.fingerprint, now=now
    )


def keep_meaning(request: Request, meaning: bytes) -> None:
    """A repeat means this, however late it comes, though the request may die before its answer.

    It is kept with what the open transaction does first. Does nothing for a request without a key.
    """
    opened: OpenRequest | None = getattr(request.state, "open_request", None)
    if opened is not None:
        _keep(opened, BEGUN, meaning.decode())


def find_meaning(request: Request) -> bytes | None:
    """What was kept as the meaning of a request that this one repeats, None if nothing was."""
    meaning: bytes | None = getattr(request.state, "meaning", None)
    return meaning


def keep_instead(request: Request, body: bytes) -> None:
    """Keep this body for repeats: an answer without the secret that the first one shows once.

    Source: CONTRACT 65.
    """
    request.state.kept_body = body


def keep_nothing(request: Request) -> None:
    """A repeat is done again: the request repeats by itself, and its path may name a person."""
    request.state.open_request = None


def keep_completed(request: Request, transactions: Transactions, response: Response) -> None:
    """Keep what an answer says by the time it is sent: a repeat is answered as the first one was.

    Does nothing for a request without a key.
    """
    opened: OpenRequest | None = getattr(request.state, "open_request", None)
    if opened is not None:
        with transactions.for_organization(opened.name.organization_id) as session:
            kept = replace(opened, session=session)
            _keep(kept, response.status_code, bytes(response.body).decode())


def _name_request(request: Request, body: bytes) -> KeyedRequest:
    key = request.headers[HEADER]
    if not 1 <= len(key) <= MAXIMUM_LENGTH or not all("!" <= letter <= "~" for letter in key):
        raise InvalidInput(
            f"An Idempotency-Key has 1 to {MAXIMUM_LENGTH} visible ASCII characters.",
            code="invalid_idempotency_key",
            field=HEADER,
        )
    content = request.url.query.encode() + b"\n" + body
    return KeyedRequest(
        method=request.method,
        path=path_of(request.scope),
        key=key,
        fingerprint=hashlib.sha256(content).hexdigest(),
    )


def _keep(opened: OpenRequest, status: int, body: str) -> None:
    session, name = opened.session, opened.name
    idempotency.delete_answers_before(session, name.organization_id, opened.now - KEPT_FOR)
    idempotency.save_answer(
        session,
        name,
        fingerprint=opened.fingerprint,
        status=status,
        body=body,
        created_at=opened.now,
    )


def _repeat(status: int, body: str) -> Response:
    return Response(
        body,
        status,
        headers={REPLAYED_HEADER: "true"},
        media_type="application/json" if body else None,
    )

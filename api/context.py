"""What the composition root hands to the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from api.access.key_cache import KnownKeys
from billing.date_limits import Backdating
from repositories.transactions import Transactions
from services.accounts.credentials import Security
from services.accounts.sign_in import Accounts, TokenLifetimes
from services.accounts.sign_up_policy import SignUpPolicy


def _nothing() -> None:
    """Tell nobody."""


async def _reachable() -> bool:
    """Nothing to reach."""
    return True


async def _unknown(_organization_id: UUID) -> set[UUID] | None:
    """Nobody to ask."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The application's surroundings, made once per process.

    ``announce`` is called after every commit that queued messages, so that owners hear of
    it at once; the relay repeats what is missed. ``reach_temporal`` and ``reach_schema`` answer the
    readiness probe. ``find_running`` says whose owners run in an organization, None while the
    engine is away. ``auth_per_minute`` raises how often an address may sign up or fail to log in.
    A transaction of a request is given up after ``hold_seconds``, so that its connection is back
    before two seconds are over (CONTRACT 89).
    """

    transactions: Transactions
    security: Security
    now: Callable[[], datetime]
    public_url: str = "http://127.0.0.1:8000"
    lifetimes: TokenLifetimes = field(default_factory=TokenLifetimes)
    sign_up_policy: SignUpPolicy = SignUpPolicy.OPEN
    auth_per_minute: int = 0
    hold_seconds: float = 1.9
    known_keys: KnownKeys = field(default_factory=KnownKeys)
    backdating: Backdating = field(default_factory=Backdating)
    announce: Callable[[], None] = field(default=_nothing)
    reach_temporal: Callable[[], Awaitable[bool]] = field(default=_reachable)
    reach_schema: Callable[[], Awaitable[bool]] = field(default=_reachable)
    find_running: Callable[[UUID], Awaitable[set[UUID] | None]] = field(default=_unknown)

    def accounts_for(self, request: HTTPConnection) -> Accounts:
        """Signing up, logging in and staying so, recorded as of this request."""
        request_id: str | None = getattr(request.state, "request_id", None)
        return Accounts(self.transactions, self.security, self.lifetimes, request_id=request_id)


def get_context(request: Request) -> AppContext:
    """The context of the application that answers this request."""
    context: AppContext = request.app.state.context
    return context


ContextDep = Annotated[AppContext, Depends(get_context)]

"""What the composition root hands to the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from api.known_keys import KnownKeys
from repositories.transactions import Transactions
from services.accounts import Accounts, TokenLifetimes
from services.credentials import Security


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

    ``announce`` is called after every commit that may have queued messages, so that owners hear of
    it at once; the relay repeats what is missed. ``reach_temporal`` and ``reach_schema`` answer the
    readiness probe. ``find_running`` says whose owners run in an organization, None while the
    engine is away.
    """

    transactions: Transactions
    security: Security
    now: Callable[[], datetime]
    public_url: str = "http://127.0.0.1:8000"
    lifetimes: TokenLifetimes = field(default_factory=TokenLifetimes)
    known_keys: KnownKeys = field(default_factory=KnownKeys)
    announce: Callable[[], None] = field(default=_nothing)
    reach_temporal: Callable[[], Awaitable[bool]] = field(default=_reachable)
    reach_schema: Callable[[], Awaitable[bool]] = field(default=_reachable)
    find_running: Callable[[UUID], Awaitable[set[UUID] | None]] = field(default=_unknown)

    @property
    def accounts(self) -> Accounts:
        """Signing up, logging in and staying so."""
        return Accounts(self.transactions, self.security, self.lifetimes)


def get_context(request: Request) -> AppContext:
    """The context of the application that answers this request."""
    context: AppContext = request.app.state.context
    return context


ContextDep = Annotated[AppContext, Depends(get_context)]

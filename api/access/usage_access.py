"""Who may read and correct usage: sessions, and keys with the usage scopes (CONTRACT 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request, Security
from sqlmodel import Session

from api.access.principal import Principal
from api.access.sessions import UsageReader, get_principal, open_reading
from api.context import ContextDep

UsageWriter = Annotated[Principal, Security(get_principal, scopes=["usage.write"])]


def open_usage_reading(
    request: Request, context: ContextDep, principal: UsageReader
) -> Iterator[Session]:
    """A transaction of somebody who may read usage."""
    yield from open_reading(request, context, principal)


def open_usage_writing(
    request: Request, context: ContextDep, principal: UsageWriter
) -> Iterator[Session]:
    """A transaction of somebody who may write usage, committed before the answer is sent."""
    yield from open_reading(request, context, principal)


UsageReadSession = Annotated[Session, Depends(open_usage_reading, scope="function")]
UsageWriteSession = Annotated[Session, Depends(open_usage_writing, scope="function")]

"""What pages need of the process that serves them; the composition root hands it over."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from starlette.requests import Request

from repositories.transactions import Transactions
from services.accounts.credentials import Security
from services.documents.view import Document
from services.entitlements.access import CustomerEntitlement
from services.receipts.verdicts import Verdict

Answer = TypeVar("Answer")


class Count(Protocol):
    """Counts the pages that an address asks for."""

    async def __call__(self, request: Request) -> None:
        """One more. Raises TooManyRequests."""


class Work(Protocol):
    """Runs what asks the database, in a slot of the party's; strangers are one party."""

    async def __call__(
        self,
        request: Request,
        do: Callable[[], Answer],
        *,
        party: Hashable = ...,
        computes: bool = False,
    ) -> Answer:
        """What ``do`` returns. Raises Unavailable."""


class ListEntitlements(Protocol):
    """Reads what customers may use."""

    async def __call__(
        self, request: Request, organization_id: UUID, customer_id: UUID
    ) -> list[CustomerEntitlement]:
        """The answer for every feature. Raises NotFound, Unavailable."""


class Typeset(Protocol):
    """Makes files of documents."""

    async def __call__(self, request: Request, document: Document, organization_id: UUID) -> bytes:
        """The document as a PDF file. Raises Unavailable."""


class Judge(Protocol):
    """Says what anybody is told of a receipt."""

    async def __call__(self, request: Request, receipt_id: UUID) -> Verdict:
        """The verdict, for all who ask in a while. Raises TooManyRequests, Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The process around the pages."""

    transactions: Transactions
    security: Security
    now: Callable[[], datetime]
    public_url: str
    count: Count
    work: Work
    list_entitlements: ListEntitlements
    typeset: Typeset
    judge: Judge
    link_temporal: Callable[[], Sequence[tuple[str, str]]]
    """Addresses in the Temporal Web UI by what they show, none where nobody named it."""
    is_quiet: bool = False
    """Whether nothing leaves the installation, of which every page of the console tells."""

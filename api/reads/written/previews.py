"""Previews that were written lately: what finds the same is not composed twice.

A preview is composed of what two statements find, which ask the database for each request anew.
So nothing is out of date here, and nothing is forgotten when usage arrives or a price changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from sys import getsizeof
from typing import Final, NamedTuple
from uuid import UUID

from cachetools import LRUCache
from psycopg import AsyncConnection

from api.schemas.invoicing.invoices import view_preview
from api.transport.exact_json import dump_json
from repositories.previews.running import (
    UsageQuestion,
    ask_for_usage,
    find_running_bill,
    find_usage,
    look_at_running,
)
from repositories.usage.period_usage import UsageRow
from services.invoicing.previews import preview_invoice

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of what was found and what was written of it; about a thousand subscriptions, in each process."""


class _Written(NamedTuple):
    """What was asked of usage, what there was of it, and the preview that came of both."""

    question: UsageQuestion | None
    usage: str
    body: bytes
    size: int


class WrittenPreviews:
    """Writes previews of running bills, and gives those that it wrote before.

    Of each bill the last one is kept, by all that surrounds it. Used on the event loop.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._kept: LRUCache[str, _Written] = LRUCache(most_bytes, getsizeof=_size_of)

    async def write(
        self, connection: AsyncConnection, organization_id: UUID, subscription_id: UUID
    ) -> bytes:
        """The preview of a period that runs, all usage that is acknowledged in it.

        Raises NotPrefetched where it takes more, or where no period runs; BillingError.
        """
        look = partial(
            preview_invoice,
            organization_id=organization_id,
            subscription_id=subscription_id,
            at=None,
        )
        bill = await find_running_bill(connection, organization_id, subscription_id)
        known = self._kept.get(bill)
        question = ask_for_usage(organization_id, bill, look) if known is None else known.question
        found = await find_usage(connection, question)
        usage = _text_of(found)
        if known is not None and known.usage == usage:
            return known.body
        body = dump_json(
            view_preview(look_at_running(organization_id, bill, question, found, look))
        )
        written = _Written(question, usage, body, getsizeof(bill) + getsizeof(usage) + len(body))
        if written.size <= self._kept.maxsize:
            self._kept[bill] = written
        return body


def _text_of(usage: Sequence[UsageRow]) -> str:
    """All that the rows say, digit for digit: 5 and 5.0 are equal, and not the same."""
    return repr(usage)


def _size_of(written: _Written) -> int:
    return written.size

"""Usage events sent by the real way in, one at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg import AsyncConnection

from repositories.asynchronous.connections import connect
from repositories.transactions import Transactions
from services.ingestion.batch import PartitionCache
from services.ingestion.event_input import EventReport
from services.ingestion.ingest import ingest
from services.ingestion.submissions import EventStatus, Submission
from tests.money.catalogue import Market
from tests.money.model.journal import Sent
from tests.services.shop import NOW


class WayIn:
    """A connection that takes usage events in, and the event loop that it belongs to."""

    def __init__(self, transactions: Transactions) -> None:
        self._loop = asyncio.new_event_loop()
        self._months = PartitionCache()
        self._connection: AsyncConnection[Any] = self._loop.run_until_complete(
            connect(transactions.address)
        )

    def send(self, market: Market, event: Sent) -> str:
        """The event is stored; gives its id."""
        feature = market.features[event.meter]
        report = EventReport(
            meter_id=str(feature.meter_id),
            customer_id=str(market.customer_id),
            quantity=event.value,
            timestamp=event.at.isoformat(),
            idempotency_key=event.key,
            properties={"who": event.distinct} if event.distinct else None,
        )
        submission = Submission(organization_id=market.shop.organization_id, rows=[report])
        ((result,),) = self._loop.run_until_complete(
            ingest(self._connection, [submission], months=self._months, now=NOW)
        )
        if result.error is not None:
            raise result.error
        assert result.status is EventStatus.CREATED
        assert result.event_id is not None
        return result.event_id

    def close(self) -> None:
        """The connection is closed."""
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()

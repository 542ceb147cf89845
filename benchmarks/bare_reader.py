"""The least that answers from a database: Starlette, one indexed read, msgspec."""

from __future__ import annotations

import os
import sys
from asyncio import LifoQueue
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import process_time

import msgspec
import uvicorn
from psycopg import AsyncConnection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

READ = """
SELECT sum(usage_rollup.total) FROM customer
JOIN usage_rollup ON usage_rollup.organization_id = customer.organization_id
    AND usage_rollup.customer_id = customer.id
WHERE customer.organization_id = %s AND customer.external_id = %s AND customer.deleted_at IS NULL
"""
INVOICE = """
SELECT invoice.id::text, invoice.status, invoice.total, array_agg(line.description),
    array_agg(line.line_total)
FROM invoice
JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
    AND line.invoice_id = invoice.id
WHERE invoice.organization_id = %s AND invoice.id = %s
GROUP BY invoice.organization_id, invoice.id
"""
ROLLUPS = """
SELECT rollup.meter_id::text, sum(rollup.total) FROM subscription
JOIN subscription_period AS period ON period.organization_id = subscription.organization_id
    AND period.subscription_id = subscription.id
    AND period.index = subscription.current_period_index
JOIN usage_rollup AS rollup ON rollup.organization_id = subscription.organization_id
    AND rollup.customer_id = subscription.customer_id
    AND rollup.hour >= period.starts_at AND rollup.hour < period.ends_at
WHERE subscription.organization_id = %s AND subscription.id = %s
GROUP BY rollup.meter_id
"""
CONNECTIONS = 4

encode = msgspec.json.Encoder(decimal_format="number").encode
organization_id = os.environ.get("BENCHMARK_ORGANIZATION", "")
connections: LifoQueue[AsyncConnection] = LifoQueue()


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    for _ in range(CONNECTIONS):
        connections.put_nowait(
            await AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
        )
    yield
    while not connections.empty():
        await connections.get_nowait().close()


def answer(statement: str) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers with the rows of a statement about what the path names."""

    async def read(request: Request) -> Response:
        connection = await connections.get()
        try:
            cursor = await connection.execute(
                statement, (organization_id, request.path_params["name"])
            )
            rows = await cursor.fetchall()
        finally:
            connections.put_nowait(connection)
        return Response(encode(rows), media_type="application/json")

    return read


async def livez(_request: Request) -> Response:
    """Alive."""
    return Response(b"{}", media_type="application/json")


async def metrics(_request: Request) -> Response:
    """The CPU time that this process has used."""
    return Response(f"process_cpu_seconds_total {process_time()}\n")


app = Starlette(
    routes=[
        Route("/livez", livez),
        Route("/metrics", metrics),
        Route("/customers/{name}/entitlements/{key}", answer(READ)),
        Route("/invoices/{name}", answer(INVOICE)),
        Route("/subscriptions/{name}/usage", answer(ROLLUPS)),
    ],
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)

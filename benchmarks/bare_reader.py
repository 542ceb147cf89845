"""The least that answers from a database: Starlette, one indexed read, msgspec."""

from __future__ import annotations

import os
import sys
from asyncio import LifoQueue
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


async def check(request: Request) -> Response:
    """The customer's usage."""
    connection = await connections.get()
    try:
        customer = request.path_params["customer"]
        cursor = await connection.execute(READ, (organization_id, customer))
        row = await cursor.fetchone()
    finally:
        connections.put_nowait(connection)
    return Response(encode({"usage": row and row[0]}), media_type="application/json")


async def livez(_request: Request) -> Response:
    """Alive."""
    return Response(b"{}", media_type="application/json")


app = Starlette(
    routes=[Route("/livez", livez), Route("/customers/{customer}/entitlements/{key}", check)],
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)

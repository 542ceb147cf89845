"""What a first version would be: FastAPI, pydantic, one INSERT and one commit for each request."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

TABLE = """
CREATE TABLE IF NOT EXISTS naive_event (
    id uuid PRIMARY KEY, organization text NOT NULL, meter_token uuid NOT NULL,
    customer text NOT NULL, quantity numeric NOT NULL, timestamp timestamptz NOT NULL,
    idempotency_key text NOT NULL, meta_data jsonb NOT NULL,
    UNIQUE (organization, idempotency_key)
)
"""
INSERT = """
INSERT INTO naive_event VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (organization, idempotency_key) DO NOTHING
"""

pool = AsyncConnectionPool(os.environ.get("DATABASE_URL", ""), open=False, max_size=10)


class Event(BaseModel):
    """One usage event."""

    meter_token: UUID
    customer_external_id: str
    quantity: Decimal
    timestamp: datetime
    idempotency_key: str
    metadata: dict[str, Any] = {}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await pool.open()
    async with pool.connection() as connection:
        await connection.execute(TABLE)
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/v1/sdk/track", status_code=201)
async def track(event: Event, x_api_key: Annotated[str, Header()]) -> dict[str, Any]:
    if not x_api_key:
        raise HTTPException(401)
    identifier = uuid4()
    async with pool.connection() as connection:
        await connection.execute(
            INSERT,
            (
                identifier,
                "organization",
                event.meter_token,
                event.customer_external_id,
                event.quantity,
                event.timestamp,
                event.idempotency_key,
                Jsonb(event.metadata),
            ),
        )
    return {
        "id": str(identifier),
        "quantity": str(event.quantity),
        "timestamp": event.timestamp,
        "created_at": datetime.now(UTC),
        "meta_data": event.metadata,
    }


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)

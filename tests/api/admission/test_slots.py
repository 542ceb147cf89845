"""Many requests at once wait for a few connections without starving each other (fault 6)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from httpx2 import ASGITransport, AsyncClient

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.api.people import Person

ORGANIZATION = "/api/v1/organization"


async def test_fifty_requests_of_one_organization_share_half_of_six_connections(
    context: AppContext, module_database_url: str
) -> None:
    engine = create_application_engine(module_database_url, pool_size=6)
    app = create_app(replace(context, transactions=Transactions(engine)))
    owner = await asyncio.to_thread(Person(app).sign_up)
    headers = {"Authorization": f"Bearer {owner.cookies['access_token']}"}

    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        answers = await asyncio.gather(
            *(client.get(ORGANIZATION, headers=headers) for _ in range(50))
        )

    assert {answer.status_code for answer in answers} == {200}
    engine.dispose()


async def test_request_that_waits_too_long_is_503(
    context: AppContext, module_database_url: str
) -> None:
    engine = create_application_engine(module_database_url, pool_size=2)
    app = create_app(replace(context, transactions=Transactions(engine)))
    owner = await asyncio.to_thread(Person(app).sign_up)
    headers = {"Authorization": f"Bearer {owner.cookies['access_token']}"}

    with engine.connect(), engine.connect():
        async with AsyncClient(
            transport=ASGITransport(app), base_url="http://testserver"
        ) as client:
            begin = time.monotonic()
            answers = await asyncio.gather(
                *(client.get(ORGANIZATION, headers=headers) for _ in range(20))
            )
            waited = time.monotonic() - begin

    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["retry-after"] for answer in answers} == {"2"}
    assert waited < 5
    engine.dispose()

"""Nobody starves anybody: whom a request works for, and when it is given up (CONTRACT 89, 101)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, QueuePool

from api.admission.threads import THREADS
from api.app import create_app
from api.context import TRANSACTION_SECONDS, AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from services.accounts.credentials import PasswordCheck
from tests.api.people import Person
from tests.servers import superuser_url

V1 = "/api/v1"
ORGANIZATION = f"{V1}/organization"
POOL = 6
SHARE = POOL // 2


@dataclass
class Site:
    """An application of six connections with two organizations, on one event loop."""

    app: FastAPI
    engine: Engine
    database_url: str
    client: AsyncClient
    busy: dict[str, str]
    other: dict[str, str]
    customer: str

    @property
    def connections_held(self) -> int:
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout()

    @contextmanager
    def locked_customer(self) -> Iterator[None]:
        """Whoever changes the busy organization's customer waits for a lock meanwhile."""
        with psycopg.connect(superuser_url(self.database_url)) as connection:
            connection.execute("SELECT 1 FROM customer WHERE id = %s FOR UPDATE", [self.customer])
            yield
            connection.rollback()

    async def rename(self, name: str = "Harbor Labs") -> Response:
        """Change that customer."""
        path = f"{V1}/customers/{self.customer}"
        return await self.client.patch(path, json={"name": name}, headers=self.busy)

    async def until_held(self, connections: int) -> None:
        """So many connections are held."""
        await until(lambda: self.connections_held == connections)


@pytest.fixture
async def site(context: AppContext, module_database_url: str) -> AsyncIterator[Site]:
    engine = create_application_engine(module_database_url, pool_size=POOL, spare=3)
    transactions = Transactions(engine)
    app = create_app(
        replace(context, transactions=transactions, transaction_seconds=TRANSACTION_SECONDS)
    )
    busy = await asyncio.to_thread(Person(app).sign_up)
    other = await asyncio.to_thread(Person(app).sign_up)
    body = {"name": "Harbor", "email": "a@harbor.test"}
    made = await asyncio.to_thread(lambda: busy.post(f"{V1}/customers", json=body).json())
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        yield Site(
            app=app,
            engine=engine,
            database_url=module_database_url,
            client=client,
            busy=bearer(busy),
            other=bearer(other),
            customer=made["id"],
        )
    engine.dispose()


async def until(holds: Callable[[], bool]) -> None:
    """It holds, within five seconds."""
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in five seconds"
        await asyncio.sleep(0.005)


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.cookies['access_token']}"}


async def test_one_organization_never_holds_more_than_half_of_the_connections(site: Site) -> None:
    with site.locked_customer():
        renames = [asyncio.create_task(site.rename()) for _ in range(4 * POOL)]
        await site.until_held(SHARE)
        held = []
        for _ in range(20):
            held.append(site.connections_held)
            await asyncio.sleep(0.01)
        answers = await asyncio.gather(
            *(site.client.get(ORGANIZATION, headers=site.other) for _ in range(20))
        )
        ready = await site.client.get("/readyz")
        left = site.connections_held
    await asyncio.gather(*renames)

    assert max(held) == SHARE
    assert {answer.status_code for answer in answers} == {200}
    assert ready.status_code == 200
    assert left == SHARE


async def test_share_holds_for_keys_bearers_and_cookies_alike(site: Site) -> None:
    made = {"name": "Backend", "scopes": ["billing.write"]}
    answer = await site.client.post(f"{V1}/api-keys", json=made, headers=site.busy)
    token = site.busy["Authorization"].removeprefix("Bearer ")
    ways = [site.busy, {"X-API-Key": answer.json()["key"]}, {"Cookie": f"access_token={token}"}]
    path = f"{V1}/customers/{site.customer}"

    with site.locked_customer():
        renames = [
            asyncio.create_task(site.client.patch(path, json={"name": "H"}, headers=way))
            for way in ways * POOL
        ]
        await site.until_held(SHARE)
        await asyncio.sleep(0.2)
        held = site.connections_held
    await asyncio.gather(*renames)

    assert held == SHARE


async def test_request_that_holds_a_connection_for_two_seconds_is_given_up(site: Site) -> None:
    with site.locked_customer():
        began = time.monotonic()
        answer = await site.rename("Never")
        waited = time.monotonic() - began
        held = site.connections_held

    assert (answer.status_code, answer.json()["code"]) == (503, "too_slow")
    assert answer.headers["retry-after"] == "2"
    assert 1.5 < waited < 4
    assert held == 0
    assert (await site.rename("Harbor")).json()["name"] == "Harbor"


async def test_request_that_computes_for_two_seconds_is_given_up_at_its_next_statement(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute_long(*_given: object) -> None:
        time.sleep(2.2)

    monkeypatch.setattr("services.customers._shown_in_audit", compute_long)

    answer = await site.rename("Never")

    assert (answer.status_code, answer.json()["code"]) == (503, "too_slow")
    path = f"{V1}/customers/{site.customer}"
    assert (await site.client.get(path, headers=site.busy)).json()["name"] == "Harbor"


async def test_caller_who_hangs_up_gives_back_connection_and_place_at_once(site: Site) -> None:
    with site.locked_customer():
        calls = [asyncio.create_task(call_and_hang_up(site)) for _ in range(2 * POOL)]
        await site.until_held(SHARE)
        began = time.monotonic()
        await asyncio.gather(*calls)
        await site.until_held(0)
        took = time.monotonic() - began

    assert took < 1.5
    assert (await site.rename("Harbor")).status_code == 200


def strangers(
    site: Site, context: AppContext, security: Security, logins_a_minute: int = 0
) -> AsyncClient:
    """People whom nobody knows, at an application of their own."""
    own = replace(context, transactions=Transactions(site.engine), security=security)
    own = replace(own, registry=CollectorRegistry(), auth_per_minute=logins_a_minute)
    return AsyncClient(transport=ASGITransport(create_app(own)), base_url="http://testserver")


async def test_thirty_logins_with_unknown_names_hold_nothing_that_others_need(
    site: Site, context: AppContext, security: Security
) -> None:
    slow = SlowPasswords(security)
    async with strangers(site, context, slow) as client:
        renames = [
            asyncio.create_task(
                client.post(
                    f"{V1}/auth/login",
                    json={"email": f"nobody{n}@lumenworks.test", "password": "wrong-horse-9"},
                )
            )
            for n in range(30)
        ]
        await until(lambda: slow.under_way == THREADS)
        others = await asyncio.gather(
            *(client.get(ORGANIZATION, headers=site.other) for _ in range(20))
        )
        unfinished = sum(not one.done() for one in renames)
        answers = await asyncio.gather(*renames)

    assert {answer.status_code for answer in others} == {200}
    assert unfinished > 0
    assert {answer.status_code for answer in answers} == {401}
    assert slow.most_at_once == THREADS <= 2


async def test_logins_beyond_the_line_of_an_address_are_503_with_a_time_to_come_back(
    site: Site, context: AppContext, security: Security
) -> None:
    slow = SlowPasswords(security)
    body = {"password": "wrong-horse-9"}
    async with strangers(site, context, slow, logins_a_minute=1000) as client:
        answers = await asyncio.gather(
            *(
                client.post(f"{V1}/auth/login", json=body | {"email": f"n{n}@lumenworks.test"})
                for n in range(60)
            )
        )

    refused = [answer for answer in answers if answer.status_code != 401]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["code"] for answer in refused} == {"too_busy"}
    assert {answer.headers["retry-after"] for answer in refused} == {"2"}
    assert len(answers) - len(refused) >= 32


class SlowPasswords(Security):
    """Takes a twentieth of a second for each guess, and knows how many run at once."""

    def __init__(self, other: Security) -> None:
        self.__dict__.update(other.__dict__)
        self._count_lock = Lock()
        self.under_way = 0
        self.most_at_once = 0

    def check_password(self, password: str, password_hash: str | None) -> PasswordCheck:
        with self._count_lock:
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        time.sleep(0.05)
        with self._count_lock:
            self.under_way -= 1
        return super().check_password(password, password_hash)


async def call_and_hang_up(site: Site, after_seconds: float = 0.5) -> None:
    """Change the customer by a connection that its caller closes."""
    body = b'{"name": "Never"}'
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.sleep(after_seconds)
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        return

    headers = site.busy | {"Content-Type": "application/json", "Host": "testserver"}
    path = f"{V1}/customers/{site.customer}"
    await site.app(
        {
            "type": "http",
            "method": "PATCH",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        },
        receive,
        send,
    )

"""Nothing acknowledged is lost and nothing is doubled, whatever is killed meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.usage.rollups import verify_rollups
from tests.faults.ingestion.site import IngestionSite, calls, seconds_since
from tests.servers import run_directory, superuser_url

KILLS = ("api", "postgres", "postgres", "api", "postgres")
CLIENTS = 4


@pytest.fixture
def site() -> Iterator[IngestionSite]:
    made = IngestionSite(run_directory() / f"site-{uuid4()}")
    try:
        yield made.start()
    finally:
        made.stop()


def test_without_its_database_the_api_says_so_and_recovers(site: IngestionSite) -> None:
    account, key = site.sign_up()
    client = httpx2.Client(base_url=f"{site.url}/api/v1", headers=key, timeout=30, trust_env=False)
    assert client.post("/usage", json=calls("before")).status_code == 201

    site.kill_postgres()
    for number in range(3):
        began = time.monotonic()
        answer = client.post("/usage", json=calls(f"during-{number}"))
        assert (answer.status_code, seconds_since(began) < 3) == (503, True), answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["code"] in ("unavailable", "database_unavailable")

    site.postgres.start()
    began = time.monotonic()
    while client.post("/usage", json=calls("after")).status_code == 503:
        assert seconds_since(began) < 10
        time.sleep(0.1)
    stored = [one["idempotency_key"] for one in account.get("/usage")["data"]]
    assert sorted(stored) == ["after", "before"]
    client.close()
    account.client.close()


@dataclass(slots=True)
class Sent:
    """An event as its client remembers it."""

    key: str
    quantity: int
    is_acknowledged: bool = False


@dataclass(slots=True)
class Client:
    """Sends events until it is told to stop; what was not acknowledged it sends again."""

    site: IngestionSite
    headers: dict[str, str]
    number: int
    stop: threading.Event
    journal: list[Sent] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    _http: httpx2.Client = field(
        default_factory=lambda: httpx2.Client(trust_env=False, verify=False), repr=False
    )

    def run(self) -> None:
        chance = random.Random(self.number)
        pending: list[list[Sent]] = []
        while not self.stop.is_set():
            if pending and chance.random() < 0.7:
                batch = pending.pop(0)
            else:
                batch = self._make(chance.choice([1, 1, 20, 100]), chance)
            if not self.send(batch, chance.choice([0.02, 5, 5, 5])):
                pending.append(batch)
                time.sleep(0.2)

    def send(self, batch: list[Sent], timeout: float) -> bool:
        """Whether it was acknowledged; a client that loses patience does not know."""
        rows = [calls(one.key, one.quantity) for one in batch]
        try:
            if len(rows) == 1:
                answer = self._post("/usage", rows[0], timeout)
            else:
                answer = self._post("/usage/batch", rows, timeout)
        except httpx2.TransportError:
            return False
        if answer.status_code in (429, 503):
            return False
        if answer.status_code not in (200, 201) or answer.json().get("rejected", 0):
            self.trouble.append(f"{answer.status_code} {answer.text[:200]}")
            return False
        for one in batch:
            one.is_acknowledged = True
        return True

    def _post(self, path: str, body: Any, timeout: float) -> httpx2.Response:
        return self._http.post(
            f"{self.site.url}/api/v1{path}", json=body, headers=self.headers, timeout=timeout
        )

    def _make(self, count: int, chance: random.Random) -> list[Sent]:
        start = len(self.journal)
        made = [
            Sent(f"{self.number}-{start + place}", chance.randrange(1, 100))
            for place in range(count)
        ]
        self.journal += made
        return made


@pytest.mark.parametrize("seed", [1])
def test_acknowledged_events_survive_kills_at_random(site: IngestionSite, seed: int) -> None:
    account, key = site.sign_up()
    stop = threading.Event()
    clients = [Client(site, key, number, stop) for number in range(CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()

    kill_at_random(site, random.Random(seed))
    stop.set()
    for thread in threads:
        thread.join()

    journal = {one.key: one for client in clients for one in client.journal}
    stored = read_stored(site)
    acknowledged = {name for name, one in journal.items() if one.is_acknowledged}
    assert [complaint for client in clients for complaint in client.trouble] == []
    assert len(acknowledged) > 100
    assert acknowledged <= stored.keys() <= journal.keys()
    assert {name: count for name, (count, _) in stored.items() if count != 1} == {}
    assert all(stored[name][1] == journal[name].quantity for name in stored)
    assert usage_of(account) == sum(journal[name].quantity for name in stored)

    # Whoever does not know sends again: then everything is there once.
    for client in clients:
        unknown = [one for one in client.journal if not one.is_acknowledged]
        for start in range(0, len(unknown), 100):
            assert client.send(unknown[start : start + 100], 30)
    assert read_stored(site).keys() == journal.keys()
    assert usage_of(account) == sum(one.quantity for one in journal.values())
    assert rollups_are_equal(site, UUID(account.organization["id"]))
    account.client.close()


def kill_at_random(site: IngestionSite, chance: random.Random) -> None:
    """The API and the database die in some order, and come back."""
    for victim in chance.sample(KILLS, len(KILLS)):
        time.sleep(chance.uniform(0.6, 1.4))
        if victim == "api":
            site.kill_api()
            site.start_api()
        else:
            site.kill_postgres()
            time.sleep(chance.uniform(0, 0.5))
            site.postgres.start()
    time.sleep(1)


def read_stored(site: IngestionSite) -> dict[str, tuple[int, Decimal]]:
    """How many rows each key has, and their quantity."""
    with psycopg.connect(superuser_url(site.database_url)) as connection:
        found = connection.execute(
            "SELECT idempotency_key, count(*), sum(quantity) FROM usage_event GROUP BY 1"
        ).fetchall()
    return {name: (count, quantity) for name, count, quantity in found}


def usage_of(account: Any) -> Any:
    """What the meter shows."""
    meter = account.get("/meters")["data"][0]["id"]
    query = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
    return account.get(f"/meters/{meter}/usage", params=query)["total_usage"]


def rollups_are_equal(site: IngestionSite, organization_id: UUID) -> bool:
    """Whether every roll-up is what its events come to."""
    engine = create_application_engine(site.database_url, pool_size=1)
    with Transactions(engine).for_organization(organization_id) as session:
        verdict = verify_rollups(session, organization_id)
    engine.dispose()
    return verdict.is_equal

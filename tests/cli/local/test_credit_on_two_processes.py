"""One wallet, two API processes, and everybody at once: never below nothing, and exact."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from threading import local
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from api.transport.exact_json import load_json
from runtime.embedded.processes import choose_port, wait_until
from tests.cli.local.process_groups import SECONDS_TO_START, running_group
from tests.scenarios.account import Account

THREADS = 64
REPEATS = 1_000
API_READY = "Application startup complete"


@pytest.fixture(scope="module")
def url(
    tmp_path_factory: pytest.TempPathFactory, module_database_url: str, temporal_address: str
) -> Iterator[str]:
    """Two processes at one address."""
    port = choose_port()
    environment = {
        "DATABASE_URL": module_database_url,
        "TEMPORAL_ADDRESS": temporal_address,
        "FLUXRATE_TASK_QUEUE": f"queue-{uuid4()}",
        "FLUXRATE_SECRET_KEY": "a secret that only tests know, long enough",
        "FLUXRATE_SIGNUP": "open",
    }
    words = ["-m", "cli.main", "api", "--port", str(port), "--processes", "2"]
    log = tmp_path_factory.mktemp("credit") / "log"
    with running_group(words, log, **environment) as group:
        assert wait_until(lambda: group.has(2, API_READY), timeout_seconds=3 * SECONDS_TO_START), (
            log.read_text()
        )
        yield f"http://127.0.0.1:{port}"


class Wallet:
    """A customer's credit, reached by a connection of each thread's own."""

    def __init__(self, url: str, unit: str = "TOKENS") -> None:
        account = Account(url).sign_up()
        scopes = ["billing.read", "billing.write"]
        self._secret = str(account.post("/api-keys", {"name": "b", "scopes": scopes})["key"])
        self._url, self._own, self._unit = f"{url}/api/v1", local(), unit
        if unit != "USD":
            account.post("/units", {"code": unit, "name": "Tokens", "scale": 2})
        customer = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "DE"}
        self.customer_id = account.post("/customers", customer)["id"]

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and what is answered."""
        if not hasattr(self._own, "client"):
            self._own.client = httpx2.Client(
                base_url=self._url,
                headers={"X-API-Key": self._secret},
                trust_env=False,
                verify=False,
                timeout=120,
            )
        answer = self._own.client.request(method, path, json=body)
        while answer.status_code == 503:
            # Too many at once: what is asked for happens once however often it is asked.
            time.sleep(0.05)
            answer = self._own.client.request(method, path, json=body)
        return answer.status_code, load_json(answer.content) if answer.content else None

    def grant(self, amount: int, **more: Any) -> str:
        body = {"unit": self._unit, "amount": amount, **more}
        status, made = self.ask("POST", f"/customers/{self.customer_id}/grants", body)
        assert status == 201, made
        return str(made["id"])

    def hold(self, amount: str, hold_id: str, seconds: int = 600) -> int:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        return self.hold_until(until, amount, hold_id)

    def hold_until(self, until: datetime, amount: str, hold_id: str) -> int:
        body = {
            "customer_id": self.customer_id,
            "unit": self._unit,
            "amount": amount,
            "expires_at": until.isoformat(),
            "id": hold_id,
        }
        status, answer = self.ask("POST", "/credits/holds", body)
        # Where the machine is slow, a short hold is over before it is placed.
        assert status == 201 or answer["code"] in {"no_credit", "hold_too_long"}, answer
        return status

    def ledger(self) -> list[dict[str, Any]]:
        """Every movement, the oldest first."""
        found: list[dict[str, Any]] = []
        path = f"/customers/{self.customer_id}/ledger?unit={self._unit}&page_size=100"
        cursor: str | None = ""
        while cursor is not None:
            _, part = self.ask("GET", path + (f"&cursor={cursor}" if cursor else ""))
            found += part["data"]
            cursor = part["meta"]["next_cursor"]
        return found

    def write(self, amount: str) -> str:
        """A draft of one line; gives its id."""
        body = {
            "customer_id": self.customer_id,
            "currency": "USD",
            "due_date": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
            "line_items": [{"description": "Work", "quantity": 1, "unit_amount": amount}],
        }
        status, made = self.ask("POST", "/invoices", body)
        assert status == 201, made
        return str(made["id"])

    def finalize(self, invoice_id: str) -> Decimal:
        """The draft is final; gives what credit pays of it."""
        status, made = self.ask("POST", f"/invoices/{invoice_id}/finalize")
        assert status == 200, made
        return Decimal(made["credits_total"])

    def void(self, invoice_id: str, **more: Any) -> Decimal:
        """The invoice has no effect any more."""
        status, made = self.ask(
            "PATCH", f"/invoices/{invoice_id}/status", {"status": "VOID", **more}
        )
        assert status == 200, made
        return Decimal(0)

    def refund(self, grant_id: str) -> Decimal:
        """What is left of a grant is given back."""
        status, made = self.ask("POST", f"/grants/{grant_id}/end", {"refund": True})
        assert status == 200, made
        return Decimal(0)


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as threads:
        return [done.result() for done in [threads.submit(work) for work in works]]


def test_everybody_moves_one_wallet_through_both_processes(url: str) -> None:
    wallet = Wallet(url)
    soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    grants = [wallet.grant(20), wallet.grant(15), wallet.grant(10, expires_at=soon)]

    def settle(used: str, seconds: int) -> Decimal:
        hold_id = str(uuid4())
        if wallet.hold("1.50", hold_id, seconds=seconds) != 201:
            return Decimal(0)
        status, answer = wallet.ask("POST", f"/credits/holds/{hold_id}/settle", {"amount": used})
        assert status == 200 or answer["code"] == "hold_over", answer
        return Decimal(used) if status == 200 else Decimal(0)

    def release() -> Decimal:
        hold_id = str(uuid4())
        if wallet.hold("2", hold_id) == 201:
            assert wallet.ask("DELETE", f"/credits/holds/{hold_id}")[0] == 204
        return Decimal(0)

    def end() -> Decimal:
        status, answer = wallet.ask("POST", f"/grants/{grants[1]}/end", {"refund": False})
        assert status == 200, answer
        return Decimal(0)

    works: list[Callable[[], Decimal]] = [
        *[partial(settle, "0.75", 2)] * 24,
        *[partial(settle, "0.75", 600)] * 24,
        *[release] * 48,
    ]
    spent = sum(at_once([*works[::2], end, *works[1::2], end]), Decimal(0))
    wait_until(lambda: datetime.now(UTC).isoformat() > soon, timeout_seconds=10)

    ledger = wallet.ledger()
    drawn = -sum((Decimal(one["amount"]) for one in ledger if one["kind"] == "drawn"), Decimal(0))
    _, balance = wallet.ask("GET", f"/customers/{wallet.customer_id}/balance?unit=TOKENS")
    of_first = 20 + sum(
        Decimal(one["amount"])
        for one in ledger
        if one["grant_id"] == grants[0] and one["kind"] == "drawn"
    )
    assert drawn == spent > 0
    assert min(Decimal(one["balance_after"]) for one in ledger) >= 0
    assert (balance["settled"], balance["held"]) == (of_first, 0)
    _, audit = wallet.ask("GET", "/audit/credits")
    assert audit["findings"] == []


@pytest.mark.parametrize("kind", ["hold", "settle", "release", "end"])
def test_a_thousand_repeats_are_one_movement(url: str, kind: str) -> None:
    wallet, hold_id = Wallet(url), str(uuid4())
    grant_id = wallet.grant(10)
    until = (datetime.now(UTC) + timedelta(minutes=10)).replace(microsecond=0)
    if kind in {"settle", "release"}:
        wallet.hold_until(until, "4", hold_id)
    before = len(wallet.ledger())
    works: dict[str, tuple[Callable[[], Any], list[str]]] = {
        "hold": (partial(wallet.hold_until, until, "4", hold_id), ["held"]),
        "settle": (
            partial(wallet.ask, "POST", f"/credits/holds/{hold_id}/settle", {"amount": 3}),
            ["released", "drawn"],
        ),
        "release": (partial(wallet.ask, "DELETE", f"/credits/holds/{hold_id}"), ["released"]),
        "end": (
            partial(wallet.ask, "POST", f"/grants/{grant_id}/end", {"refund": False}),
            ["expired"],
        ),
    }
    work, kinds = works[kind]

    answers = at_once([work] * REPEATS)

    assert len({repr(one) for one in answers}) == 1, answers[:3]
    assert [one["kind"] for one in wallet.ledger()[before:]] == kinds


def settle_some(wallet: Wallet) -> Decimal:
    """Of a hold of 1.50, half is used if it could be placed; how much was."""
    hold_id = str(uuid4())
    if wallet.hold("1.50", hold_id) != 201:
        return Decimal(0)
    path = f"/credits/holds/{hold_id}/settle"
    assert wallet.ask("POST", path, {"amount": "0.75"})[0] == 200
    return Decimal("0.75")


def release_all(wallet: Wallet) -> Decimal:
    """Nothing of a hold is used."""
    hold_id = str(uuid4())
    if wallet.hold("2", hold_id) == 201:
        assert wallet.ask("DELETE", f"/credits/holds/{hold_id}")[0] == 204
    return Decimal(0)


def test_bills_and_holds_race_for_one_wallet_through_both_processes(url: str) -> None:
    """64 hold, settle, release, draw, void and refund, while credit expires."""
    wallet = Wallet(url, unit="USD")
    bought = {"kind": "paid", "spendable": "at_once", "cost": {"amount": 15, "currency": "USD"}}
    wallet.grant(25)
    sold = [wallet.grant(15, **bought) for _ in range(2)]
    former = [wallet.write("1.10") for _ in range(16)]
    taken = sum((wallet.finalize(one) for one in former), Decimal(0))
    drafts = [wallet.write("1.25") for _ in range(32)]
    soon = datetime.now(UTC) + timedelta(seconds=6)
    wallet.grant(10, expires_at=soon.isoformat())
    works: list[Callable[[], Decimal]] = [
        *[partial(settle_some, wallet)] * 40,
        *[partial(release_all, wallet)] * 40,
        *(partial(wallet.finalize, one) for one in drafts),
        *(partial(wallet.void, one) for one in former[::2]),
        *(partial(wallet.void, one, extend_days=2) for one in former[1::2]),
        *[partial(wallet.refund, one) for one in sold] * 2,
    ]
    Random(1).shuffle(works)

    used = sum(at_once(works), Decimal(0))
    wait_until(lambda: datetime.now(UTC) > soon, timeout_seconds=30)

    assert taken == Decimal("17.60")
    require_exact(wallet, drawn=taken + used, returned=taken, at=soon)


def require_exact(wallet: Wallet, *, drawn: Decimal, returned: Decimal, at: datetime) -> None:
    """The ledger has what was drawn and given back, was never below nothing, and is the balance."""
    ledger = wallet.ledger()
    by_kind: defaultdict[str, Decimal] = defaultdict(Decimal)
    of_grants: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in ledger:
        by_kind[one["kind"]] += Decimal(one["amount"])
        of_grants[one["grant_id"]] += Decimal(one["amount"])
    assert (by_kind["drawn"], by_kind["returned"]) == (-drawn, returned)
    assert by_kind["held"] == -by_kind["released"]
    assert min(Decimal(one["balance_after"]) for one in ledger) >= 0
    over = _over(wallet, at)
    _, balance = wallet.ask("GET", f"/customers/{wallet.customer_id}/balance?unit=USD")
    alive = sum((rest for one, rest in of_grants.items() if one not in over), Decimal(0))
    assert (balance["settled"], balance["held"]) == (alive, 0)
    assert wallet.ask("GET", "/audit/credits")[1]["findings"] == []


def _over(wallet: Wallet, at: datetime) -> set[str]:
    """The grants that are over by then."""
    _, found = wallet.ask("GET", f"/customers/{wallet.customer_id}/grants?page_size=100")
    return {
        one["id"]
        for one in found["data"]
        if one["expires_at"] and datetime.fromisoformat(one["expires_at"]) <= at
    }

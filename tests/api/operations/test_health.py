"""Probes decide by their status code (CONTRACT 35)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from api.app import create_app
from api.context import AppContext
from api.routers.operations import health
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.api.people import Person


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, whoever answers is heard."""
    monkeypatch.setattr(health, "PROBE_SECONDS", 180.0)
    monkeypatch.setattr(health, "ENGINE_SECONDS", 180.0)


async def no() -> bool:
    return False


async def never() -> bool:
    await asyncio.sleep(3600)
    return True


async def broken() -> bool:
    raise ConnectionError("secret address")


@pytest.mark.parametrize("path", ["/health", "/livez"])
def test_liveness_asks_nothing_else(context: AppContext, path: str) -> None:
    engine = create_application_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    alone = replace(
        context, transactions=Transactions(engine), reach_temporal=never, reach_schema=never
    )

    answer = Person(create_app(alone)).get(path)

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_ready_when_everything_is_there(visitor: Person) -> None:
    answer = visitor.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "temporal": "ok",
        "checks": {"database": "ok", "schema": "ok", "temporal": "ok"},
    }


@pytest.mark.parametrize("probe", [no, broken])
def test_not_ready_while_the_schema_is_not_current(
    context: AppContext, probe: Callable[[], Awaitable[bool]]
) -> None:
    answer = Person(create_app(replace(context, reach_schema=probe))).get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "not_ready"
    assert answer.json()["checks"] == {"database": "ok", "schema": "failed", "temporal": "ok"}
    assert "secret" not in answer.text


def test_not_ready_while_nobody_says_whether_the_schema_is_current(
    context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.1)

    answer = Person(create_app(replace(context, reach_schema=never))).get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["schema"] == "failed"


@pytest.mark.parametrize("probe", [no, never, broken])
def test_ready_but_degraded_while_temporal_is_away(
    context: AppContext,
    probe: Callable[[], Awaitable[bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests are answered without it, so no balancer may take them elsewhere (CONTRACT 100)."""
    monkeypatch.setattr(health, "ENGINE_SECONDS", 0.1)

    answer = Person(create_app(replace(context, reach_temporal=probe))).get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "temporal": "degraded",
        "checks": {"database": "ok", "schema": "ok", "temporal": "degraded"},
    }
    assert "secret" not in answer.text


def test_not_ready_without_a_database(context: AppContext) -> None:
    engine = create_application_engine("postgresql://nobody@127.0.0.1:1/nowhere")

    answer = Person(create_app(replace(context, transactions=Transactions(engine)))).get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "failed", "schema": "ok", "temporal": "ok"}


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
def test_probes_take_head_requests(visitor: Person, path: str) -> None:
    assert visitor.head(path).status_code == 200


def test_metrics_of_the_process_are_shown_without_a_database(context: AppContext) -> None:
    engine = create_application_engine("postgresql://nobody@127.0.0.1:1/nowhere")

    answer = Person(create_app(replace(context, transactions=Transactions(engine)))).get("/metrics")

    assert answer.status_code == 200
    assert "process_resident_memory_bytes" in answer.text
    assert "fluxrate_bills_needing_attention" not in answer.text

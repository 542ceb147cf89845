"""Canary secrets and personal data through every route: none where they do not belong (16.2, 16.5).

``fluxrate up`` for real, with every line of every level, traces to a collector, and a life of a
subscription with its closing. What they may be in is the answer that they were asked for, the
database, and what the product was asked to send.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from runtime.embedded.processes import choose_port
from runtime.observability.requests import UNTRACED
from runtime.temporal import connect
from tests.api.access.furnished import V1, Ids, add_things
from tests.api.credentials import least_credentials
from tests.cli.running import RunningInstance
from tests.mail_servers import serving
from tests.observability.canaries import MARK, Canaries, foreign_numbers, secrets_in_cookies
from tests.observability.canary_life import PASSWORD, PERSON, CanaryLife
from tests.observability.collector import Collector, collecting
from tests.receivers import receiving

BUSY = {
    "FLUXRATE_LOG_LEVEL": "debug",
    "FLUXRATE_ALLOW_PRIVATE_WEBHOOKS": "true",
    "FLUXRATE_AUTH_PER_MINUTE": "1000000",
    "FLUXRATE_API_STATEMENT_SECONDS": "60",
    "FLUXRATE_STREAM_SECONDS": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
}


@dataclass(slots=True)
class Searched:
    """An installation through which everything was sent."""

    running: RunningInstance
    collector: Collector
    worker_metrics: str
    canaries: Canaries
    client: httpx2.Client
    answers: dict[int, httpx2.Response] = field(default_factory=dict)
    histories: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    running = RunningInstance(tmp_path_factory.mktemp("canaries"))
    with collecting() as collector, receiving() as receiver, serving() as mail_server:
        metrics = f"127.0.0.1:{choose_port()}"
        settings = BUSY | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "FLUXRATE_WORKER_METRICS": metrics,
        }
        os.environ.update(settings)
        try:
            running.up()
            url = running.addresses.api_url.removesuffix("/api/v1")
            client = httpx2.Client(base_url=url, timeout=60, trust_env=False)
            found = Searched(
                running=running,
                collector=collector,
                worker_metrics=f"http://{metrics}/metrics",
                canaries=Canaries(client.get("/openapi.json").json()),
                client=client,
            )
            secrets = CanaryLife(client).live(receiver.url, mail_server.settings)
            found.canaries.secrets.update(secrets)
            attack(found)
            found.histories = asyncio.run(read_histories(running.addresses.temporal_address))
            yield found
        finally:
            for name in settings:
                del os.environ[name]
            running.clean_up()


def attack(found: Searched) -> None:
    """Every operation of the document, with canaries in all that it takes and in what it does not.

    A session that an operation ended is begun again, which leaves more to be found.
    """
    later = datetime.now(UTC) + timedelta(hours=1)
    ids: Ids = add_things(found.client, "-more", held_until=later.isoformat())
    wrong = {"email": PERSON, "password": f"{MARK}-wrong"}
    found.client.post(f"{V1}/auth/login", json=wrong)
    for operation in least_credentials():
        method, _ = operation
        for number, path, sent in found.canaries.requests(operation, ids):
            if "Cookie" in sent.get("headers", {}):
                answer = httpx2.request(
                    method, str(found.client.base_url.join(path)), trust_env=False, **sent
                )
            else:
                answer = found.client.request(method, path, **sent)
            found.answers[number] = answer
        if found.client.get(f"{V1}/auth/sessions").status_code == 401:
            answer = found.client.post(
                f"{V1}/auth/login", json={"email": PERSON, "password": PASSWORD}
            )
            assert answer.status_code == 200, answer.text
            found.canaries.secrets.update(secrets_in_cookies(found.client))


async def read_histories(address: str) -> dict[str, bytes]:
    """Every byte that the engine keeps of every workflow, and what it says in its lists."""
    client = await connect(address)
    kept = {}
    async for one in client.list_workflows():
        history = await client.get_workflow_handle(one.id, run_id=one.run_id).fetch_history()
        events = b"".join(event.SerializeToString() for event in history.events)
        kept[f"{one.id} {one.run_id}"] = events + one.raw_info.SerializeToString()
    return kept


def test_everything_was_sent(searched: Searched) -> None:
    statuses = [answer.status_code for answer in searched.answers.values()]

    assert len(statuses) == 4 * len(least_credentials())
    assert sum(status < 300 for status in statuses) > 40
    assert {401, 404, 422} <= set(statuses)
    assert [one.request.url for one in searched.answers.values() if one.status_code >= 500] == []


def test_no_log_of_any_process_holds_any(searched: Searched) -> None:
    logs: list[Path] = [
        *searched.running.data_dir.rglob("*.log"),
        searched.running.data_dir / "up.txt",
    ]
    written = {log.name: log.read_bytes() for log in logs}

    assert {"api.log", "worker.log"} <= written.keys()
    assert b'"level": "debug"' in written["api.log"] + written["worker.log"]
    assert b"login_failed" in written["api.log"]
    assert [
        one for name, text in written.items() for one in searched.canaries.found_in(name, text)
    ] == []


def test_every_line_is_one_object_and_names_its_request_and_trace(searched: Searched) -> None:
    folder = searched.running.data_dir / "logs"
    lines = [
        json.loads(line)
        for name in ("api", "worker")
        for line in (folder / f"{name}.log").read_text().splitlines()
    ]
    answered = [line for line in lines if line["event"] == "request_answered"]

    assert len(answered) > 300
    assert [line for line in answered if not line["request_id"].startswith("req_")] == []
    assert [
        line for line in answered if line["route"] not in UNTRACED and "trace_id" not in line
    ] == []


def test_no_history_of_a_workflow_holds_any(searched: Searched) -> None:
    steps = b"".join(searched.histories.values())

    assert b"issue_invoice" in steps
    assert b"finalize_invoice" in steps
    found = [
        one
        for name, history in searched.histories.items()
        for one in searched.canaries.found_in(name, history)
    ]
    assert found == []


def test_no_span_holds_any(searched: Searched) -> None:
    assert len(searched.collector.spans()) > 500
    found = [
        one
        for body in searched.collector.bodies
        for one in searched.canaries.found_in("span", body)
    ]
    assert found == []


def test_no_metric_holds_any(searched: Searched) -> None:
    shown = {
        "api": searched.client.get("/metrics").content,
        "worker": httpx2.get(searched.worker_metrics, trust_env=False).content,
        "status": searched.client.get("/status").content,
        "health": searched.client.get(f"{V1}/workers/health").content,
    }

    assert b"fluxrate_events_total" in shown["api"]
    assert b"fluxrate_period_closes_total" in shown["worker"]
    assert [
        one for name, text in shown.items() for one in searched.canaries.found_in(name, text)
    ] == []


def test_no_error_tells_of_another_request(searched: Searched) -> None:
    told = {
        number: foreign_numbers(answer.text, number)
        for number, answer in searched.answers.items()
        if answer.status_code >= 400
    }

    assert {number: others for number, others in told.items() if others} == {}
    secrets = searched.canaries.secrets
    assert [
        (number, what)
        for number, answer in searched.answers.items()
        for what, secret in secrets.items()
        if answer.status_code >= 400 and secret in answer.text
    ] == []

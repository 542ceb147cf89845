"""``fluxrate webhooks listen`` prints and verifies what comes, and hands it on."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fluxrate_client.webhooks import read_event
from typer.testing import CliRunner

from billing.notifications.signatures import is_signed, sign, signing_secret
from cli.main import app
from cli.output import Refusal
from tests.receivers import receiving
from tests.scenarios.product import Product, settings_for

ROOT = Path(__file__).parents[2]
SECRET = "a secret of the endpoint"


@contextmanager
def listening(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and where it says that it listens."""
    command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("Listening at ").strip()
        try:
            yield process, url
        finally:
            process.kill()


def signed(body: bytes) -> dict[str, str]:
    return sign(body, message_id="msg_1", at=datetime.now(UTC), secrets=[SECRET])


def test_deliveries_are_printed_and_verified() -> None:
    body = json.dumps({"event": "invoice.paid", "data": {"name": "\x1b[2J"}}).encode()
    with listening("--count", "2", "--secret", signing_secret(SECRET)) as (process, url):
        right = httpx2.post(url, content=body, headers=signed(body))
        wrong = httpx2.post(url, content=body + b" ", headers=signed(body))
        printed, _ = process.communicate(timeout=20)

    assert (right.status_code, wrong.status_code, process.returncode) == (200, 401, 0)
    assert "msg_1 signatures are right" in printed
    assert "msg_1 SIGNATURES ARE WRONG" in printed
    assert "\x1b" not in printed


def test_what_is_signed_is_handed_on_and_its_answer_is_ours() -> None:
    body = b'{"event": "invoice.paid"}'
    with receiving(status=418) as target:
        options = ("--count", "3", "--secret", SECRET, "--forward-to", target.url)
        with listening(*options) as (process, url):
            right = httpx2.post(url, content=body, headers=signed(body))
            wrong = httpx2.post(url, content=b"{}", headers=signed(body))
            target.ends.set()
            again = httpx2.post(url, content=body, headers=signed(body))
            printed, _ = process.communicate(timeout=20)

    assert (right.status_code, wrong.status_code, again.status_code) == (418, 401, 418)
    assert target.bodies == [body, body]
    assert target.heads[0]["webhook-id"] == "msg_1"
    assert f"→ {target.url} answers 418" in printed


def test_a_target_that_is_away_is_told() -> None:
    away = "http://127.0.0.1:9/hooks"
    options = ("--count", "1", "--secret", SECRET, "--forward-to", away)
    with listening(*options) as (process, url):
        answer = httpx2.post(url, content=b"{}", headers=signed(b"{}"))
        printed, _ = process.communicate(timeout=20)

    assert answer.status_code == 502
    assert f"→ {away} does not answer" in printed


@pytest.mark.parametrize("secret", [SECRET, signing_secret(SECRET)])
def test_a_sample_is_signed_as_a_delivery_is(secret: str) -> None:
    with receiving(status=204) as target:
        options = ["--to", target.url, "--secret", secret]
        sent = CliRunner().invoke(app, ["webhooks", "trigger", "invoice.paid", *options])

    told = read_event(target.bodies[0], target.heads[0], signing_secret(SECRET))
    assert sent.exit_code == 0, sent.output
    assert told is not None
    assert told.event == "invoice.paid"
    assert is_signed(target.bodies[0], target.heads[0], secret=SECRET, now=datetime.now(UTC))
    assert sent.output.strip().endswith(f"→ {target.url} answers 204")


def test_a_receiver_that_refuses_a_sample_is_told_by_the_exit_code() -> None:
    with receiving(status=401) as target:
        options = ["--to", target.url, "--secret", SECRET]
        sent = CliRunner().invoke(app, ["webhooks", "trigger", "invoice.paid", *options])

    assert sent.exit_code == 1
    assert "answers 401" in sent.output


@pytest.mark.parametrize(
    ("event", "to", "why"),
    [
        ("invoice.celebrated", "http://127.0.0.1:9/hooks", "No event is called invoice.celebrated"),
        ("invoice.paid", "http://127.0.0.1:9/hooks", "Nothing can be sent to http://127.0.0.1:9"),
    ],
)
def test_a_sample_that_cannot_be_sent_is_refused_in_words(event: str, to: str, why: str) -> None:
    options = ["--to", to, "--secret", SECRET]
    refused = CliRunner().invoke(app, ["webhooks", "trigger", event, *options])

    assert isinstance(refused.exception, Refusal)
    assert why in str(refused.exception)


@pytest.fixture(scope="module")
def delivering(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """A product that delivers webhooks to this machine."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()


def test_an_endpoint_is_made_for_as_long_as_it_listens(delivering: Product) -> None:
    with httpx2.Client(base_url=f"{delivering.url}/api/v1", timeout=60) as owner:
        post(owner, "/auth/signup", email="a@lumen.test", password="correct-horse-9")
        key = post(owner, "/api-keys", name="Listener", scopes=["billing.write"])["key"]
        with receiving() as target:
            options = ("--api-key", key, "--api-url", delivering.url, "--forward-to", target.url)
            with listening(*options, "--events", "subscription.created, invoice.created") as (
                process,
                url,
            ):
                assert process.stdout is not None
                secret = process.stdout.readline().removeprefix("Signing secret: ").strip()
                [endpoint] = owner.get("/webhook-endpoints").json()["data"]
                write_invoice(owner)
                printed = "".join(iter(process.stdout.readline, f"→ {target.url} answers 200\n"))
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0
        ended = owner.get("/webhook-endpoints").json()["data"]

    assert (endpoint["url"], ended) == (url, [])
    assert endpoint["events"] == ["invoice.created", "subscription.created"]
    assert "signatures are right" in printed
    told = read_event(target.bodies[0], target.heads[0], secret)
    assert told is not None
    assert told.event == "invoice.created"


def test_nothing_listens_before_an_api_answers() -> None:
    away = ("--api-key", "key", "--api-url", "http://127.0.0.1:9")
    command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--port", "0", *away]

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 1
    assert "No API answers at http://127.0.0.1:9/api/v1" in done.stdout + done.stderr
    assert "Listening" not in done.stdout


def test_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--port", port]

        done = subprocess.run(
            [*command, "--secret", SECRET],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1
    assert f"Nothing can listen on port {port} here" in said
    assert "--port 0" in said
    assert "Traceback" not in said


def write_invoice(owner: httpx2.Client) -> None:
    customer = post(
        owner, "/customers", name="Quay", email="a@quay.test", billing_address_country="DE"
    )
    line = {"description": "Import", "quantity": 1, "unit_amount": 10}
    post(
        owner,
        "/invoices",
        customer_id=customer["id"],
        currency="EUR",
        due_date="2030-01-01T00:00:00Z",
        line_items=[line],
    )


def post(owner: httpx2.Client, path: str, **body: Any) -> dict[str, Any]:
    if path == "/auth/signup":
        body["organization_name"] = "Lumen Works"
    answer = owner.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_an_api_that_reaches_no_private_address_says_so(product: Product) -> None:
    with httpx2.Client(base_url=f"{product.url}/api/v1", timeout=60) as owner:
        post(owner, "/auth/signup", email="b@lumen.test", password="correct-horse-9")
        key = post(owner, "/api-keys", name="Listener", scopes=["billing.write"])["key"]
    command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--port", "0"]

    done = subprocess.run(
        [*command, "--api-key", key, "--api-url", product.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    said = " ".join((done.stdout + done.stderr).split())
    assert said.count("FLUXRATE_ALLOW_PRIVATE_WEBHOOKS=true") == 1
    assert said.count("start Fluxrate with") == 1

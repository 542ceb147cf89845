"""``fluxrate webhooks listen`` prints and verifies what comes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from billing.notifications.signatures import sign, signing_secret

ROOT = Path(__file__).parents[2]


def test_deliveries_are_printed_and_verified() -> None:
    secret = "a secret of the endpoint"
    body = json.dumps({"event": "invoice.paid", "data": {"name": "\x1b[2J"}}).encode()
    command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--count", "2", "--secret", signing_secret(secret)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().removeprefix("Listening at ").strip()
    headers = sign(body, message_id="msg_1", at=datetime.now(UTC), secrets=[secret])

    right = httpx2.post(url, content=body, headers=headers)
    wrong = httpx2.post(url, content=body + b" ", headers=headers)
    printed, _ = process.communicate(timeout=20)

    assert (right.status_code, wrong.status_code, process.returncode) == (200, 401, 0)
    assert "msg_1 signatures are right" in printed
    assert "msg_1 SIGNATURES ARE WRONG" in printed
    assert "\x1b" not in printed

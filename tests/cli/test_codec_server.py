"""``fluxrate codec-server`` as an operator starts it: docs/operators/temporal.md."""

from __future__ import annotations

import subprocess
import sys

import httpx2
import pytest

from runtime.embedded.processes import choose_port, wait_until
from tests.cli.running import clean_environment, fluxrate

KEYS = "k" * 31 + "1"
UI = "http://127.0.0.1:8233"
TOKEN = "an operator's token of the tests, long enough"


def test_web_ui_reaches_it_where_it_listens() -> None:
    port = choose_port()
    environment = clean_environment() | {
        "FLUXRATE_TEMPORAL_CODEC_KEYS": KEYS,
        "FLUXRATE_TEMPORAL_UI_URL": UI,
        "FLUXRATE_OPERATOR_TOKEN": TOKEN,
    }
    words = [sys.executable, "-m", "cli.main", "codec-server", "--port", str(port)]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE) as process:
        try:
            url = f"http://127.0.0.1:{port}"

            def answers() -> bool:
                try:
                    return httpx2.get(url, trust_env=False).status_code == 401
                except httpx2.HTTPError:
                    return False

            assert wait_until(answers, timeout_seconds=120)
            answer = httpx2.post(
                f"{url}/decode",
                json={"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]},
                headers={"Origin": UI, "Authorization": f"Bearer {TOKEN}"},
                trust_env=False,
            )
        finally:
            process.terminate()
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.json()["payloads"][0]["data"] == "MQ=="


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "FLUXRATE_TEMPORAL_CODEC_KEYS"),
        ({"FLUXRATE_TEMPORAL_CODEC_KEYS": KEYS}, "FLUXRATE_TEMPORAL_UI_URL"),
        (
            {"FLUXRATE_TEMPORAL_CODEC_KEYS": KEYS, "FLUXRATE_TEMPORAL_UI_URL": UI},
            "FLUXRATE_OPERATOR_TOKEN",
        ),
    ],
)
def test_it_says_what_is_missing_before_it_listens(settings: dict[str, str], said: str) -> None:
    refused = fluxrate("codec-server", "--host", "0.0.0.0", **settings)

    assert refused.returncode == 1
    assert said in refused.stderr

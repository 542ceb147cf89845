"""Logs of ours and of libraries come out as one JSON object a line."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from runtime.telemetry import configure_logging
configure_logging("worker")
structlog.get_logger("ours").info("invoice_issued", invoice_id="i-1")
logging.getLogger("theirs").warning("slow %s", "poll")
logging.getLogger("alembic.runtime.migration").info("chatter")
try:
    raise ValueError("broken")
except ValueError:
    structlog.get_logger("ours").exception("step_failed")
"""


def test_every_line_is_json_with_its_process() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], text=True, capture_output=True, check=True
    )
    lines = [json.loads(line) for line in result.stderr.splitlines()]

    assert [(line["event"], line["level"], line["logger"]) for line in lines] == [
        ("invoice_issued", "info", "ours"),
        ("slow poll", "warning", "theirs"),
        ("step_failed", "error", "ours"),
    ]
    assert {line["process"] for line in lines} == {"worker"}
    assert lines[0]["invoice_id"] == "i-1"
    assert "ValueError: broken" in lines[2]["exception"]


def test_debug_lines_of_http_clients_are_made_of_headers_and_left_out() -> None:
    program = """
import logging
from runtime.telemetry import configure_logging
configure_logging("worker", level="debug")
logging.getLogger("httpcore.http11").debug("send_request_headers %s", [(b"x", b"canary")])
logging.getLogger("theirs").debug("shown")
"""
    result = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True
    )

    assert [json.loads(line)["event"] for line in result.stderr.splitlines()] == ["shown"]

"""What `fluxrate up` says of an API that does not become ready."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.local.instance import PythonProcess, wait_for_api
from runtime.embedded.processes import PidFile, ProcessFailure


class Waiting(http.server.BaseHTTPRequestHandler):
    """An API that waits for Temporal."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b'{"temporal":"unreachable"}')

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


class ReadyOnce(Waiting):
    """An API that was ready at the first look, and is too busy for the second."""

    looks = 0

    def do_GET(self) -> None:
        type(self).looks += 1
        self.send_response(200 if self.looks == 1 else 503)
        self.end_headers()


@contextmanager
def serving(handler: type[Waiting]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def waiting_url() -> Iterator[str]:
    with serving(Waiting) as url:
        yield url


@pytest.fixture
def api(tmp_path: Path) -> PythonProcess:
    log = tmp_path / "api.log"
    log.write_text("first\nlast words\n")
    return PythonProcess(
        name="API",
        module="none",
        arguments=[],
        pid_file=PidFile(tmp_path / "api.pid"),
        log=log,
        environment={},
    )


def test_api_that_waits_is_quoted_with_its_log(api: PythonProcess, waiting_url: str) -> None:
    assert api.pid_file.claim()

    with pytest.raises(ProcessFailure) as caught:
        wait_for_api(api, waiting_url, timeout_seconds=1)

    said = str(caught.value)
    assert 'after 1 s: {"temporal":"unreachable"}' in said
    assert f"The end of {api.log}:\nfirst\nlast words" in said


def test_api_that_is_gone_is_not_waited_for(api: PythonProcess, waiting_url: str) -> None:
    with pytest.raises(ProcessFailure, match="did not become ready\n"):
        wait_for_api(api, waiting_url, timeout_seconds=300)


def test_api_that_was_ready_once_is_ready(api: PythonProcess) -> None:
    assert api.pid_file.claim()

    with serving(ReadyOnce) as url:
        wait_for_api(api, url, timeout_seconds=300)

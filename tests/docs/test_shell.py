"""The words of the guides' shell: what they do where the installation is busy, or refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, read_page
from tests.docs.reader import Reader

[WORDS] = read_page(DOCS / "guides" / "index.md").steps()
BUSY, REFUSED, DONE = 503, 422, 201


@contextmanager
def installation(sign_ups: list[int]) -> Iterator[str]:
    """Answers sign-ups by these statuses, one after the other, and signs in by the last one."""

    class Installation(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = 401 if self.path.endswith("refresh") else sign_ups.pop(0)
            self.send_response(status)
            if status == BUSY:
                self.send_header("Retry-After", "1")
            if status == DONE:
                self.send_header("Set-Cookie", "access_token=new; Path=/")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    server = HTTPServer(("127.0.0.1", 0), Installation)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_busy_installation_is_asked_again(tmp_path: Path) -> None:
    with installation([BUSY, DONE]) as url, Reader(url, tmp_path) as reader:
        assert reader.run(WORDS.block).split() == ["{}"]

    assert "access_token" in (tmp_path / "cookies").read_text()


def test_nobody_goes_on_as_whoever_was_signed_in_before(tmp_path: Path) -> None:
    (tmp_path / "cookies").write_text(
        "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\taccess_token\tformer\n"
    )

    with (
        installation([REFUSED]) as url,
        Reader(url, tmp_path) as reader,
        pytest.raises(AssertionError, match="Nobody is signed in"),
    ):
        reader.run(WORDS.block)

    assert "former" not in (tmp_path / "cookies").read_text()

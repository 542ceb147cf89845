"""The metrics of a program that answers no requests: the worker's, by HTTP, for Prometheus."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

PATIENCE_SECONDS: Final = 10.0
"""A client that sends its request more slowly than this is hung up on."""


@contextmanager
def serve_metrics(
    address: str, registry: CollectorRegistry, *, token: str | None
) -> Iterator[tuple[str, int]]:
    """Within this, ``/metrics`` at ``host:port`` shows the registry; gives where it listens.

    To whoever shows the operator's token, to everybody if there is none. Raises SystemExit if
    nobody can listen there.
    """
    host, _, port = address.rpartition(":")
    try:
        server = ThreadingHTTPServer((host, int(port)), _handler_of(registry, token))
    except OSError as error:
        raise SystemExit(f"Metrics cannot be shown at {address}: {error.strerror}.") from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield str(server.server_address[0]), int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def registry_of_files(directory: str) -> CollectorRegistry:
    """The sum over all processes that count in files of a directory."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]  # of the library
    return registry


def _may_see(authorization: str, token: str | None) -> bool:
    if token is None:
        return True
    scheme, _, shown = authorization.partition(" ")
    is_right = secrets.compare_digest(shown.strip().encode(), token.encode())
    return is_right and scheme.lower() == "bearer"


def _handler_of(registry: CollectorRegistry, token: str | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS
        server_version = "fluxrate"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, "text/plain", b"")
            elif not _may_see(self.headers.get("authorization", ""), token):
                self._answer(401, "text/plain", b"")
            else:
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's own name)
            """Nothing: a look every few seconds is no news."""

    return Handler

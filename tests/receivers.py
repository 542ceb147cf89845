"""Receivers of webhooks on this machine, of every kind there is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Answers by its rule, and remembers what it was told and when.

    ``status`` is what it answers; with ``hangs_seconds`` it does so late, and with ``floods`` its
    answer does not end by itself. ``says`` is the text of its answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs_seconds: float = 0
    floods: bool = False
    says: str = ""
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    sent_bytes: int = 0
    ends: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self.lock:
            self.bodies.append(body)
            self.heads.append({name.lower(): value for name, value in handler.headers.items()})
            self.came_at.append(time.monotonic())
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.ends.wait(self.hangs_seconds)
        with self.lock:
            self.at_once -= 1
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if not self.floods:
            handler.send_header("Content-Length", str(len(self.says.encode())))
        handler.end_headers()
        handler.wfile.write(self.says.encode())
        while self.floods and not self.ends.is_set():
            handler.wfile.write(b"x" * 65536)
            self.sent_bytes += 65536


@contextmanager
def receiving(**rule: Any) -> Iterator[Receiver]:
    """A receiver that answers until the block is left."""
    receiver = Receiver(**rule)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                receiver.take(self)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ends.set()
        server.shutdown()
        server.server_close()

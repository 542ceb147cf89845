"""A provider on this machine that answers by script, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer. ``is_lost``: the request is taken, and the connection closed without a word."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_lost: bool = False
    is_cut: bool = False
    hangs_seconds: float = 0
    floods: bool = False


Script = Reply | Callable[[Asked], Reply]


@dataclass
class ProviderDouble:
    """Answers each path by its script, one after the other, and for ever by the last."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    scripts: dict[tuple[str, str], list[Script]] = field(default_factory=dict)
    always: Script = field(
        default=Reply({"error": {"message": "Unknown.", "description": "Unknown."}}, 404)
    )
    """What every other path is answered."""
    ends: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, method: str, path: str, *scripts: Script) -> None:
        self.scripts[method, path] = list(scripts)

    def asks(self, method: str, path: str) -> list[Asked]:
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    def reply_to(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            scripts = self.scripts.get((asked.method, asked.path), [self.always])
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
            return script if isinstance(script, Reply) else script(asked)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        address = urlsplit(handler.path)
        reply = self.reply_to(
            Asked(
                method=handler.command,
                path=address.path,
                query=dict(parse_qsl(address.query)),
                headers={name.lower(): value for name, value in handler.headers.items()},
                body=handler.rfile.read(int(handler.headers.get("Content-Length", 0))),
            )
        )
        handler.close_connection = True
        if reply.is_lost:
            return
        self.ends.wait(reply.hangs_seconds)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if not reply.floods:
            handler.send_header("Content-Length", str(len(body) + (100 if reply.is_cut else 0)))
        handler.end_headers()
        handler.wfile.write(body)
        while reply.floods and not self.ends.is_set():
            handler.wfile.write(b" " * 65536)


@contextmanager
def a_provider() -> Iterator[ProviderDouble]:
    """A provider that answers until the block is left."""
    double = ProviderDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                double.take(self)
            except (BrokenPipeError, ConnectionResetError):
                return

        do_GET = do_POST  # noqa: N815 - the server's own name
        do_DELETE = do_POST  # noqa: N815 - the server's own name

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.ends.set()
        server.shutdown()
        server.server_close()

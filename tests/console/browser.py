"""A real browser for pages: Debian's Chromium, driven by Playwright, where both are installed.

One is open for all tests of a process. Playwright waits in an event loop of the thread that asks
it, which is said to run while a test has the browser, and no longer: other tests have their own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote

import uvicorn
from fastapi import FastAPI

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_browser() -> str | None:
    """The program, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def why_none() -> str | None:
    """What is missing for pages to be looked at, None if nothing is."""
    try:
        import axe_playwright_python.sync_playwright  # noqa: F401, PLC0415  (only whether it is installed)
        import playwright.sync_api  # noqa: F401, PLC0415  (only whether it is installed)
    except ImportError:
        return "Playwright is not installed: `make install` installs it."
    if find_browser() is None:
        return "There is no Chromium here: `apt-get install chromium`."
    return None


@contextmanager
def browsing() -> Iterator[Any]:
    """A headless browser, for whoever takes it in hand."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (see why_none)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*FLAGS])
        asyncio._set_running_loop(None)
        yield browser
        with in_hand(browser):
            browser.close()
        asyncio._set_running_loop(browser._loop)


@contextmanager
def in_hand(browser: Any) -> Iterator[Any]:
    """The browser, whose event loop is this thread's meanwhile."""
    asyncio._set_running_loop(browser._loop)
    try:
        yield browser
    finally:
        asyncio._set_running_loop(None)


BY_COLOUR: Final = ("color-contrast", "link-in-text-block")
"""What can differ between the themes of a page, whose elements are the same."""


def unfold(page: Any) -> int:
    """All that a page unfolds is; how many there were that had not been."""
    folded: int = page.evaluate(
        """() => {
            const folded = document.querySelectorAll("details:not([open])");
            for (const one of folded) one.open = true;
            return folded.length;
        }"""
    )
    return folded


def violations(page: Any, rules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What axe finds on a page, whatever its impact, by all rules unless some are named."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  (see why_none)

    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": [*rules]}
    page.evaluate(Axe().axe_script)
    asked = f"axe.run({json.dumps(options)}).then((one) => one.violations)"
    found: list[dict[str, Any]] = page.evaluate(asked)
    return found


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of the application, which answers on a port of its own meanwhile."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    thread = Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()


class FramingPage(BaseHTTPRequestHandler):
    """A page of somebody else's that frames whatever its query names."""

    def do_GET(self) -> None:
        """The page."""
        framed = unquote(self.path.partition("?")[2])
        words = f'<!doctype html><title>Host</title><iframe src="{framed}" title="Billing">'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(words.encode())

    def log_message(self, *_words: object) -> None:
        """Nothing is said."""


@contextmanager
def framing_host() -> Iterator[str]:
    """The host, with its port, of pages that frame others."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), FramingPage)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

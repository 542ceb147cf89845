"""The files that pages load: all of them ours, under addresses that change with their content."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "static"
KINDS: Final = {
    "pages.css": "text/css; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "inter-latin.woff2": "font/woff2",
    "inter-latin-ext.woff2": "font/woff2",
    "icon.svg": "image/svg+xml",
    "password.js": "text/javascript; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "import.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "vendor/htmx.min.js": "text/javascript; charset=utf-8",
    "vendor/hx-csp.min.js": "text/javascript; charset=utf-8",
    "vendor/hx-sse.min.js": "text/javascript; charset=utf-8",
    "vendor/uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "vendor/uPlot.min.css": "text/css; charset=utf-8",
}
CONTENTS: Final = {name: (FOLDER / name).read_bytes() for name in KINDS}
VERSION: Final = sha256(b"".join(CONTENTS.values())).hexdigest()[:16]
HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def address_of(name: str) -> str:
    """Where a file is. The style sheet finds the typeface beside itself."""
    return f"/assets/{VERSION}/{name}"


def make_routes() -> list[Route]:
    """One route a file, so that nothing else of the folder is given."""
    return [Route(address_of(name), _give(name)) for name in KINDS]


def _give(name: str) -> Callable[[Request], Response]:
    def show_file(_request: Request) -> Response:
        return Response(CONTENTS[name], media_type=KINDS[name], headers=HEADERS)

    return show_file

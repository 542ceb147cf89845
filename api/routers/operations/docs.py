"""The interactive documentation at the host's root, without any other host (CONTRACT 69)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi import Request, Response
from fastapi.responses import FileResponse

from api.transport.route import Router

router = Router(include_in_schema=False, admission=None)

STATIC: Final = Path(__file__).parents[2] / "static"
FILES: Final = {
    "docs.css": "text/css",
    "docs.js": "text/javascript",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript",
    "swagger-ui/swagger-ui.css": "text/css",
}
HEADERS: Final = {
    # Swagger UI sets styles on elements; nothing else comes from anywhere but here.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-cache",
}


@router.get("/docs")
def show_docs() -> FileResponse:
    """Show the page that lists every operation and tries it."""
    return FileResponse(STATIC / "docs.html", media_type="text/html", headers=HEADERS)


@router.get("/openapi.json")
def show_document(request: Request) -> Response:
    """Give the document of all operations: off the event loop, which making it would keep."""
    return Response(request.app.state.written_document(), media_type="application/json")


def _give(name: str) -> Callable[[], FileResponse]:
    """A route that gives one file: its name is no parameter that a query could set."""

    def show_file() -> FileResponse:
        """Give a file of the page."""
        return FileResponse(STATIC / name, media_type=FILES[name], headers=HEADERS)

    return show_file


for file in FILES:
    router.get(f"/docs/{file}")(_give(file))

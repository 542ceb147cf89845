"""What must always hold, for operators: counts, instants and the way to the proof."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.context import ContextDep, state_of
from api.routers.operations.operators import is_operator, require_operator
from api.schemas.workers import InvariantView, StatusView, view_status
from api.transport.exact_json import respond
from api.transport.route import Router
from services.operations.outbound import WAITING, Outbound

router = Router(tags=["Health"], admission=None)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Vary": "Accept",
}
ASKING: Final = {"WWW-Authenticate": 'Basic realm="Fluxrate, for operators"', **HEADERS}
"""Browsers ask their people for a password by it."""

_STYLE: Final = (
    "body{max-width:60rem;margin:3rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;"
    "color-scheme:light dark}table{border-collapse:collapse;width:100%}caption{text-align:left}"
    "th,td{text-align:left;vertical-align:top;padding:.5rem .75rem .5rem 0;"
    "border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}"
    ".holds::before{content:'✓ '}.broken::before{content:'✗ '}.unknown::before{content:'? '}"
    ".broken{font-weight:700}code{font-size:.95em}"
)


@router.get("/status", response_model=StatusView)
async def get_status(request: Request, context: ContextDep) -> Response:
    """Show what must always hold, when it was last looked at, and how anybody proves it.

    The hourly check looks; nothing is computed for this answer. A browser is shown a page.
    """
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and not is_operator(request, context):
        return Response(status_code=401, headers=ASKING)
    require_operator(request, context)
    measures = await state_of(request.app).measures.get()
    status = view_status(measures.invariants, outbound=context.outbound, now=measures.read_at)
    if wants_page:
        return HTMLResponse(_page(status), headers=HEADERS)
    answer = respond(status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Vary"] = "Accept"
    return answer


def _page(status: StatusView) -> str:
    rows = "".join(_row(one) for one in status.invariants)
    head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Status</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{_TITLES[status.status.value]}</h1>{_QUIET[status.outbound]}<table><caption>As of"
        f" {status.timestamp:%Y-%m-%d %H:%M:%S} UTC.</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>"
    )


_COLUMNS: Final[Sequence[str]] = ("What must hold", "Does it", "Looked at", "Proof")
_TITLES: Final = {
    "holds": "Everything holds",
    "unknown": "Not everything was looked at lately",
    "broken": "Something is broken",
}

_QUIET: Final = {
    Outbound.ON: "",
    Outbound.OFF: (
        f'<p class="broken">Nothing leaves this installation: {WAITING}'
        " wait until <code>FLUXRATE_OUTBOUND</code> is on.</p>"
    ),
}


def _row(one: InvariantView) -> str:
    found = ", ".join(f"{count} {escape(kind)}" for kind, count in sorted(one.findings.items()))
    looked = "never; the first check comes within the hour"
    if one.checked_at is not None:
        looked = f"{one.checked_at:%Y-%m-%d %H:%M:%S} UTC, {one.examined:,} of them"
    state = escape(one.status.value)
    return (
        f'<tr><th scope="row">{escape(one.says)}</th>'
        f'<td class="{state}">{state}{f": {found}" if found else ""}</td>'
        f"<td>{looked}</td><td><code>{escape(one.proof)}</code></td></tr>"
    )

"""The catalogue of errors for people: where the ``type`` of a problem leads."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from fastapi.responses import HTMLResponse

from api.document.codes import PLACE, ProblemCode, read_codes, read_topics
from api.transport.route import Router
from billing.errors import NotFound

router = Router(prefix=PLACE, include_in_schema=False, admission=None)

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "Cache-Control": "public, max-age=3600",
}
_STYLE: Final = (
    "body{max-width:44rem;margin:3rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif;"
    "color-scheme:light dark}code{font-size:1.05em}dt{font-weight:600;margin-top:1rem}dd{margin:0}"
)


@router.get("")
@router.get("/")
def list_errors() -> HTMLResponse:
    """Show every code with its title, by topic."""
    return _page("Errors", ["<h1>Errors</h1>", *map(_list_topic, read_topics())])


@router.get("/{code}")
def show_error(code: str) -> HTMLResponse:
    """Show what a code means, why it comes, and what to do."""
    found = read_codes().get(code)
    if found is None:
        raise NotFound("There is no such code.", code="page_not_found")
    return _page(found.title, _explain(found))


def _list_topic(topic: str) -> str:
    rows = "".join(
        f'<dt><a href="{PLACE}/{one.code}"><code>{one.code}</code></a></dt>'
        f"<dd>{escape(one.title)}.</dd>"
        for one in read_topics()[topic]
    )
    return f"<h2>{escape(topic)}</h2><dl>{rows}</dl>"


def _explain(one: ProblemCode) -> Sequence[str]:
    statuses = ", ".join(map(str, one.statuses)) or "in reports, and within `errors`"
    return [
        f"<h1>{escape(one.title)}</h1>",
        f"<p><code>{one.code}</code> · {statuses}</p>",
        f"<dl><dt>Why</dt><dd>{escape(one.cause)}</dd>",
        f"<dt>What to do</dt><dd>{escape(one.remedy)}</dd></dl>",
        f'<p><a href="{PLACE}">All codes</a></p>',
    ]


def _page(title: str, parts: Sequence[str]) -> HTMLResponse:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    html = f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'
    return HTMLResponse(html, headers=HEADERS)

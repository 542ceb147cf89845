"""What strangers may ask at the host's root: is this receipt true, and by which keys is it signed.

*Source: CONTRACT section 6, Proof for anybody.* Nothing is told of the customer or of the lines.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from api.admission.requests import CALLER_WATCHED, work
from api.context import ContextDep, state_of
from api.reads.published_keys import ALL, GOOD_FOR, read_keys
from api.reads.verdicts import Verdict
from api.schemas.invoicing.proofs import KeysView, VerdictView, view_verdict
from api.transport.exact_json import respond
from api.transport.route import Router
from api.visits import count_proof, find_verdict
from billing.errors import NotFound
from services.receipts.signing import public_jwk

router = Router(tags=["Proof"], admission=None)

TEMPLATES: Final = Path(__file__).parents[1] / "static"
STYLE: Final = (TEMPLATES / "verify.css").read_text(encoding="utf-8")
POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    f"{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@router.get("/verify/{receipt_id}.json", response_model=VerdictView, dependencies=[CALLER_WATCHED])
async def verify_receipt(receipt_id: UUID, request: Request) -> Response:
    """Say whether an issued invoice is what its receipt says, to anybody who has its id."""
    return respond(view_verdict(await find_verdict(request, receipt_id)))


@router.get(
    "/verify/{receipt_id}",
    response_class=Response,
    dependencies=[CALLER_WATCHED],
    include_in_schema=False,
)
async def show_verdict(receipt_id: str, request: Request) -> Response:
    """Show the same on a page that needs no script and loads nothing."""
    verdict = await _find_shown(request, receipt_id)
    page = _page().render(verdict=verdict, receipt_id=receipt_id, style=STYLE)
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    status = 404 if verdict is None else 200
    return Response(page, status_code=status, media_type="text/html", headers=headers)


@router.get(
    "/.well-known/fluxrate-keys.json", response_model=KeysView, dependencies=[CALLER_WATCHED]
)
async def list_receipt_keys(
    request: Request,
    context: ContextDep,
    key_id: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> Response:
    """List the public keys by which receipts are signed, as a JWK set; old ones stay."""
    await count_proof(request)
    asked, published = key_id or ALL, state_of(request.app).published_keys
    found = published.find(asked, now=context.now())
    if found is None:
        found = await work(request, read_keys, context.transactions, asked)
        if asked == ALL:
            published.keep(found, now=context.now())
    keys = [public_jwk(one, public_key) for one, public_key in found.items()]
    answer = respond({"keys": keys})
    answer.headers["Cache-Control"] = f"public, max-age={GOOD_FOR // timedelta(seconds=1)}"
    return answer


async def _find_shown(request: Request, receipt_id: str) -> Verdict | None:
    """None of what is no receipt's id: people are told so on a page, too."""
    try:
        asked = UUID(receipt_id)
    except ValueError:
        return None
    try:
        return await find_verdict(request, asked)
    except NotFound:
        return None


@cache
def _page() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return page.get_template("verify.html")

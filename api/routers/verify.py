"""What strangers' programs ask at the host's root: is this receipt true, and which keys sign.

*Source: CONTRACT section 6, Proof for anybody.* Nothing is told of the customer or of the lines;
people have a page of the same (``console.receipts``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.admission.requests import CALLER_WATCHED, work
from api.context import ContextDep, state_of
from api.reads.receipt_key_cache import ALL, GOOD_FOR, read_keys
from api.schemas.invoicing.receipts import KeySetView, VerdictView, view_verdict
from api.transport.exact_json import respond
from api.transport.route import Router
from api.visits import count_proof, find_verdict
from services.receipts.signing import public_jwk

router = Router(tags=["Proof"], admission=None)


@router.get("/verify/{receipt_id}.json", response_model=VerdictView, dependencies=[CALLER_WATCHED])
async def verify_receipt(receipt_id: UUID, request: Request) -> Response:
    """Say whether an issued invoice is what its receipt says, to anybody who has its id."""
    return respond(view_verdict(await find_verdict(request, receipt_id)))


@router.get(
    "/.well-known/fluxrate-keys.json", response_model=KeySetView, dependencies=[CALLER_WATCHED]
)
async def list_receipt_keys(
    request: Request,
    context: ContextDep,
    key_id: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> Response:
    """List the public keys by which receipts are signed, as a JWK set; old ones stay."""
    await count_proof(request)
    asked, published = key_id or ALL, state_of(request.app).receipt_keys
    found = published.find(asked, now=context.now())
    if found is None:
        found = await work(request, read_keys, context.transactions, asked)
        if asked == ALL:
            published.put(found, now=context.now())
    keys = [public_jwk(one, public_key) for one, public_key in found.items()]
    answer = respond({"keys": keys})
    answer.headers["Cache-Control"] = f"public, max-age={GOOD_FOR // timedelta(seconds=1)}"
    return answer

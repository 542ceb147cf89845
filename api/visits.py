"""Work for pages that strangers read: in slots, in threads, and given up in time.

Pages are another way in (``console``), which the composition root hands these to.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.access.address_limits import address_of
from api.admission.requests import leaving_of, watch, work
from api.admission.slots import VISITORS
from api.context import state_of
from api.reads.credit_left import has_credit
from api.reads.fast_reads import lend_in_time
from api.reads.verdicts import give_verdict
from api.transport.errors import DATABASE_AWAY, TOO_SLOW, unavailable
from services.documents.view import Document
from services.entitlements import access
from services.entitlements.access import CustomerEntitlement
from services.receipts.verdicts import Verdict

Answer = TypeVar("Answer")


async def count_page(request: Request) -> None:
    """One more page for the address. Raises TooManyRequests."""
    state = state_of(request.app)
    async with watch(request, state.context) as leaving:
        await state.address_limits.pages.take(
            address_of(request), now=state.context.now(), leaving=leaving
        )


async def work_for(
    request: Request,
    do: Callable[[], Answer],
    *,
    party: Hashable = VISITORS,
    computes: bool = False,
) -> Answer:
    """What ``do`` returns, which has a thread and a slot of the party's meanwhile.

    What ``computes`` waits for its like first, as bills do. Raises Unavailable.
    """
    state = state_of(request.app)
    line = (state.slots.bills, state.slots.all) if computes else (state.slots.all,)
    async with watch(request, state.context) as leaving, AsyncExitStack() as taken:
        for admission in line:
            await taken.enter_async_context(admission.admit(party, leaving=leaving))
        try:
            return await run_in_threadpool(do)
        except DATABASE_AWAY as error:
            raise unavailable(error) from error


async def list_entitlements(
    request: Request, organization_id: UUID, customer_id: UUID
) -> list[CustomerEntitlement]:
    """What a customer may use; checks do not wait for it. Raises NotFound, Unavailable."""
    state = state_of(request.app)
    async with lend_in_time(state.long_read_connections, organization_id) as connection:
        return await access.list_entitlements(
            connection,
            organization_id,
            str(customer_id),
            cache=state.check_cache.terms,
            has_credit=partial(has_credit, state.context.transactions),
            now=state.context.now(),
        )


async def typeset(request: Request, document: Document, organization_id: UUID) -> bytes:
    """The document as a PDF file, made in the organization's turn. Raises Unavailable."""
    state = state_of(request.app)
    make = partial(state.typeset_files.render, document)
    return await state.document_threads.run(make, party=organization_id)


async def judge(request: Request, receipt_id: UUID) -> Verdict:
    """As :func:`find_verdict`, for a caller who is not watched yet. Raises Unavailable."""
    async with watch(request, state_of(request.app).context):
        return await find_verdict(request, receipt_id)


async def find_verdict(request: Request, receipt_id: UUID) -> Verdict:
    """What anybody is told of a receipt, on whichever page: computed once for all in a while.

    So is that it takes too long. Raises NotFound, TooManyRequests, Unavailable.
    """
    await count_proof(request)
    state = state_of(request.app)
    context = state.context
    kept = state.verdicts.find(receipt_id, now=context.now())
    if kept is not None:
        return kept
    async with state.verdict_line.admit(address_of(request), leaving=leaving_of(request)):
        # Somebody who waited before may have had the same question.
        verdict = state.verdicts.find(receipt_id, now=context.now())
        if verdict is None:
            verdict = await _compute_verdict(request, receipt_id)
    return verdict


async def _compute_verdict(request: Request, receipt_id: UUID) -> Verdict:
    state = state_of(request.app)
    context = state.context
    try:
        verdict = await work(request, give_verdict, context.transactions, receipt_id, context.now)
    except DATABASE_AWAY as error:
        refusal = unavailable(error)
        if refusal.code == TOO_SLOW[0]:
            state.verdicts.keep_failure(receipt_id, now=context.now())
        raise refusal from error
    state.verdicts.keep(receipt_id, verdict)
    return verdict


async def count_proof(request: Request) -> None:
    """One more question about receipts from the address. Raises TooManyRequests."""
    state = state_of(request.app)
    await state.address_limits.proofs.take(
        address_of(request), now=state.context.now(), leaving=leaving_of(request)
    )

"""Previews of invoices in front of the framework: two statements, and no thread."""

from __future__ import annotations

from fastapi import Request

from api.context import state_of
from api.reads.fast_reads import admit_in_front, lend_in_time
from api.transport.fast_path import LeftToFramework
from api.transport.route import ExactRequest, require_object
from api.transport.urls.natural_keys import read_id
from billing.errors import BillingError
from repositories.asynchronous.prefetched import NotPrefetched


async def write_in_front(request: Request, subscription_id: str) -> bytes:
    """The bill of the running period, composed as any other of what two statements found.

    Raises LeftToFramework for a body that says something, where the composition asks for more, and
    for all that is refused: a session of its own says then why.
    """
    exact, state = ExactRequest(request.scope, request.receive), state_of(request.app)
    if await exact.keep_to_limits():
        document = await exact.json()
        require_object(document, is_required=False)
        if document:
            raise LeftToFramework
    organization_id, identifier = await admit_in_front(request), read_id(subscription_id)
    if identifier is None:
        raise LeftToFramework
    try:
        async with lend_in_time(state.long_read_connections, organization_id) as connection:
            return await state.written_previews.write(connection, organization_id, identifier)
    except (NotPrefetched, BillingError) as error:
        raise LeftToFramework from error

"""Whether what Temporal keeps can be read here, and whether traces arrive where they are sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from cli.keeping.findings import Diagnosis, good, wrong
from runtime.payloads.codec import key_id_of, key_ids_in

MOST: Final = 2_000
"""So many running workflows are looked at; each costs the server one request."""

AT_ONCE: Final = 16
SECONDS: Final = 5.0


async def look_at_histories(client: Client, keys: Sequence[str], *, most: int = MOST) -> Diagnosis:
    """Whether the keys of this process open the histories of all that runs."""
    known = {key_id_of(one) for one in keys}
    turns = asyncio.Semaphore(AT_ONCE)

    async def read(one: WorkflowExecution) -> set[str] | None:
        async with turns:
            return await _key_ids(client, one)

    found = [one async for one in client.list_workflows('ExecutionStatus = "Running"', limit=most)]
    needed = [ids for ids in await asyncio.gather(*map(read, found)) if ids is not None]
    return judge_keys(needed, known)


def judge_keys(needed: Sequence[set[str]], known: set[str]) -> Diagnosis:
    """``needed`` are the ids of the keys that each history was sealed by; none is in the clear."""
    closed = [ids for ids in needed if not ids <= known]
    if closed:
        ids = ", ".join(sorted({one for ids in closed for one in ids - known}))
        return wrong(
            "Histories",
            f"{len(closed):,} of {len(needed):,} are sealed by keys that are not here (id {ids})",
            "Name these keys in FLUXRATE_TEMPORAL_CODEC_KEYS, behind the first. If one is lost for"
            " good, terminate those runs and `fluxrate rebuild`.",
        )
    sealed = sum(bool(ids) for ids in needed)
    return good(
        "Histories", f"{len(needed):,} of what runs can be read, {sealed:,} of them were sealed"
    )


async def _key_ids(client: Client, one: WorkflowExecution) -> set[str] | None:
    """By which keys a history was sealed; None if it is gone meanwhile."""
    handle = client.get_workflow_handle(one.id, run_id=one.run_id)
    ids: set[str] = set()
    try:
        async for event in handle.fetch_history_events():
            ids |= key_ids_in(event.SerializeToString())
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return ids


def look_at_collector(endpoint: str) -> Diagnosis:
    """Whether what takes traces answers to one that holds nothing, as a process would send it."""
    import httpx2

    address = f"{endpoint.rstrip('/')}/v1/traces"
    headers = {"Content-Type": "application/x-protobuf", **_headers()}
    remedy = "Start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS."
    try:
        answer = httpx2.post(address, content=b"", headers=headers, timeout=SECONDS)
    except httpx2.HTTPError as error:
        return wrong("Traces", f"{endpoint} does not answer: {type(error).__name__}", remedy)
    if not answer.is_success:
        return wrong("Traces", f"{endpoint} answers {answer.status_code}", remedy)
    return good("Traces", f"{endpoint} takes them")


def _headers() -> dict[str, str]:
    """What the operator lets be sent along, such as a collector's token."""
    pairs = os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(",")
    named = (one.partition("=") for one in pairs if "=" in one)
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in named}

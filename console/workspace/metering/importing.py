"""Events out of a file: taken in parts, as a program would send them, and told of as they are."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from anyio import SpooledTemporaryFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from console.workspace.asking import API, Call, Member, Refused
from console.workspace.frame import Screen, reaches
from console.workspace.live.streams import Fragments, writer_of

IMPORT: Final = "/events/import"
BATCH: Final = "/usage/batch?results=errors"
SENT: Final = Call(method="POST", path=f"{API}{BATCH}", lines="events.ndjson")
EXAMPLE: Final = (
    '{"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 12,'
    ' "timestamp": "2026-01-05T10:00:00Z", "idempotency_key": "job-4711"}'
)
MOST_BYTES: Final = 32 * 1024 * 1024
"""A longer file is the command line's, which goes on where it broke off."""
PLACES: Final = asyncio.Semaphore(4)
"""So many files lie on the disk of a process at once, one of an organization."""
WAITING_SECONDS: Final = 10.0
SENDING: Final[set[str]] = set()
"""The organizations whose files these are."""
REPORTS: Final = "usage.write"
IN_MEMORY_BYTES: Final = 1024 * 1024
BLOCK_BYTES: Final = 256 * 1024
MOST_LINES: Final = 1_000
"""Of a part: so often it is told how far the file is."""
MOST_SHOWN: Final = 50
BUSY: Final = frozenset({429, 503})
PAUSES_SECONDS: Final = (0.5, 1, 2, 4, 8, 10, 10, 10, 10, 10, 10, 10)
"""How long a part waits for its next try while the API is busy: a minute and a half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Lines of a file that say something, with their numbers, and how many were read by then."""

    read: int
    numbers: Sequence[int]
    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a file so far; ``failure`` is why it does not go on."""

    lines: int
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused: Sequence[tuple[int, Mapping[str, Any]]] = ()
    is_done: bool = False
    failure: str | None = None

    def after(self, part: Part, answer: Mapping[str, Any]) -> Taken:
        """The same once a part of it was answered."""
        errors = [(part.numbers[one["index"]], one["error"]) for one in answer["results"]]
        return replace(
            self,
            read=part.read,
            accepted=self.accepted + answer["accepted"],
            duplicates=self.duplicates + answer["duplicates"],
            rejected=self.rejected + answer["rejected"],
            refused=(*self.refused, *errors)[:MOST_SHOWN],
        )


async def show_import(_member: Member) -> Screen:
    """A form for a file."""
    return Screen(
        template="import.html",
        title="Import events",
        values={"example": EXAMPLE, "sent": SENT, "most": MOST_BYTES},
    )


async def take_import(member: Member) -> Response:
    """The events of a file are sent; after each part it is told how far it is.

    Raises Refused, also while others send theirs.
    """
    if not reaches(member.role, REPORTS):
        # Nobody keeps a place with a file that they may not send.
        raise Refused(403, {"detail": "Your role may not report usage."})
    async with AsyncExitStack() as held:
        await held.enter_async_context(_place_of(member.organization["id"]))
        file = await held.enter_async_context(SpooledTemporaryFile[bytes](IN_MEMORY_BYTES))
        lines = await _receive(member.request, file)
        await member.renew()
        # What is refused altogether is refused before anything is told.
        parts = _parts_of(file)
        first = await anext(parts, Part(read=0, numbers=(), lines=()))
        taken = Taken(lines=lines).after(first, await _send(member, first))
        write = writer_of(member, "import_progress.html")
        told = _take_rest(member, taken, parts)
        return Fragments(told, lambda taken: write(taken=taken), held=held.pop_all())


@asynccontextmanager
async def _place_of(organization_id: str) -> AsyncIterator[None]:
    """A place for a file, while the block runs: however slowly one sends theirs, others can."""
    if organization_id in SENDING:
        raise Refused(503, {"detail": "Another file of your organization is being sent."})
    SENDING.add(organization_id)
    try:
        await _wait_for_place()
        try:
            yield
        finally:
            PLACES.release()
    finally:
        SENDING.discard(organization_id)


async def _wait_for_place() -> None:
    try:
        async with asyncio.timeout(WAITING_SECONDS):
            await PLACES.acquire()
    except TimeoutError as error:
        raise Refused(503, {"detail": "Others send files now; repeat this later."}) from error


async def _take_rest(
    member: Member, taken: Taken, parts: AsyncIterator[Part]
) -> AsyncIterator[Taken]:
    yield taken
    try:
        async for part in parts:
            taken = taken.after(part, await _send(member, part))
            yield taken
    except Refused as refusal:
        yield replace(taken, failure=refusal.detail)
    else:
        yield replace(taken, read=taken.lines, is_done=True)


async def _send(member: Member, part: Part) -> Mapping[str, Any]:
    """What became of a part; while the API is busy, it waits. Raises Refused.

    Idempotent by: the keys of the events, as the page says.
    """
    for pause in PAUSES_SECONDS:
        try:
            answer: Mapping[str, Any] = await member.send(BATCH, b"\n".join(part.lines))
        except Refused as refusal:
            if refusal.status not in BUSY:
                raise
            await asyncio.sleep(pause)
        else:
            return answer
    raise Refused(503, {"detail": "The API is busy."})


async def _receive(request: Request, file: SpooledTemporaryFile[bytes]) -> int:
    """How many lines a request sends, which are in the file then.

    Browsers hear nothing before all of it is sent. Raises Refused.
    """
    size, lines, last = 0, 0, b"\n"
    try:
        async for block in request.stream():
            size += len(block)
            if size > MOST_BYTES:
                raise Refused(413, {"detail": f"The file has more than {MOST_BYTES:,} bytes."})
            lines += block.count(b"\n")
            last = block[-1:] or last
            await file.write(block)
    except ClientDisconnect as error:
        raise Refused(400, {"detail": "The file was not sent to its end."}) from error
    await file.seek(0)
    return lines + (last != b"\n")


async def _parts_of(file: SpooledTemporaryFile[bytes]) -> AsyncIterator[Part]:
    """What is sent of a file, part by part; lines that say nothing are left out."""
    number = 0
    while block := await file.read(BLOCK_BYTES):
        block += await file.readline()
        lines = block.removeprefix(BOM_UTF8 if number == 0 else b"").split(b"\n")
        if not lines[-1]:
            lines.pop()
        for start in range(0, len(lines), MOST_LINES):
            some = {
                number + place: line
                for place, line in enumerate(lines[start : start + MOST_LINES], start + 1)
                if line.strip()
            }
            if some:
                read = number + min(start + MOST_LINES, len(lines))
                yield Part(read=read, numbers=[*some], lines=[*some.values()])
        number += len(lines)

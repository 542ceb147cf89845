"""Sends the rows of a file by the batch, however long the API takes to answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NoReturn

from httpx2 import Client, Response, TransportError

from cli.events.files import EventFile, EventRow, Problem, Row
from cli.events.journal import Journal, encode
from cli.events.keys import identify, open_ordinals
from cli.output import refuse

BATCH_ROWS = 5_000
DEADLINE_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 10.0
BUSY = (429, 503)

Watch = Callable[[int, float], None]
"""Hears of the bytes read so far, and of the rows sent in a second."""


def send_all(
    client: Client,
    source: EventFile,
    journal: Journal,
    *,
    timezone: str | None,
    watch: Watch,
) -> None:
    """Every row that was not answered yet is sent and answered. Raises Refusal."""
    began, former = time.monotonic(), journal.tally.last_row
    with open_ordinals() as ordinals:
        # Rows that were answered are read again: equal ones after them count on from theirs.
        for batch in batches(identify(source.rows(), ordinals, timezone=timezone)):
            last = batch[-1][0]
            waiting = [one for one in batch if one[0].number > former]
            if waiting:
                send(client, waiting, journal)
                journal.save(last.number)
            sent = max(0, last.number - former)
            watch(last.bytes_read, sent / (time.monotonic() - began))
    journal.finish()


def batches(rows: Iterable[tuple[EventRow, Row]]) -> Iterator[list[tuple[EventRow, Row]]]:
    """The rows by the batch."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        yield batch


def send(client: Client, batch: list[tuple[EventRow, Row]], journal: Journal) -> None:
    """A batch is stored, and what was not is in the journal."""
    problems: dict[int, Problem] = {
        place: row.problem for place, (row, _) in enumerate(batch) if row.problem is not None
    }
    places = [place for place in range(len(batch)) if place not in problems]
    if places:
        answer = post(client, encode([batch[place][1] for place in places]))
        journal.tally.accepted += answer["accepted"]
        journal.tally.duplicates += answer["duplicates"]
        for result in answer["results"]:
            error = result["error"]
            problems[places[result["index"]]] = Problem(error["code"], error["detail"])
    for place in sorted(problems):
        row, event = batch[place]
        journal.reject(row, problems[place], event.get("idempotency_key"))
    journal.tally.undated_count += sum(
        batch[place][0].event.keys().isdisjoint(("timestamp", "idempotency_key"))
        for place in places
    )


def post(client: Client, content: bytes) -> dict[str, Any]:
    """The answer to a batch, however often it takes while the service is busy or away.

    Raises:
        Refusal: it was refused as a whole, or the service stayed away for two minutes.
    """
    deadline, pause = time.monotonic() + DEADLINE_SECONDS, 0.5
    while True:
        try:
            response = client.post("/usage/batch", content=content)
            if response.is_success:
                return dict(response.json())
            trouble = f"{response.status_code} {detail_of(response)}"
            if response.status_code not in BUSY:
                refuse_import(response.status_code, trouble)
            pause = asked_pause(response, pause)
        except TransportError as error:
            trouble = f"{error}"
        if time.monotonic() + pause > deadline:
            refuse(f"The API is busy or away ({trouble}). Run the same command later to go on.")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def detail_of(response: Response) -> str:
    """What the API says, in its own words."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text[:500]


def refuse_import(status: int, trouble: str) -> NoReturn:
    """End the import with what the API said, and what to do. Raises Refusal."""
    advice = {
        401: " Name a key of this installation with --api-key or FLUXRATE_API_KEY.",
        403: " Make a key with the scope usage.write: POST /api-keys.",
        404: " Name the API with --api-url, such as https://billing.example.com.",
    }
    refuse(f"The API refuses the import: {trouble}{advice.get(status, '')}")


def asked_pause(response: Response, otherwise: float) -> float:
    """How long the service asks to wait."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else otherwise

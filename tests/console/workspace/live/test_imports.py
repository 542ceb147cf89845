"""A file of events is taken part by part, and each part is told of by the answer as it comes."""

from __future__ import annotations

import asyncio
import json
import re
from time import process_time
from typing import Final

import pytest

from console.workspace.asking import Member, Refused
from console.workspace.metering import importing
from tests.api.people import Person
from tests.api.sold import V1
from tests.console.billed import meter_and_sell, words_of

IMPORT: Final = "/console/events/import"
BY_SCRIPT: Final = {"HX-Request": "true", "Content-Type": "application/x-ndjson"}


def line(number: int, **more: object) -> bytes:
    event = {"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 1}
    key = {"idempotency_key": f"file-{number}", "timestamp": "2026-03-02T07:00:00Z"}
    return json.dumps(event | key | more).encode()


def told_of(owner: Person, content: bytes) -> list[str]:
    """What is told of a file, one after the other."""
    answer = owner.post(IMPORT, content=content, headers=BY_SCRIPT)
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    return [words_of(re.sub("(?m)^data: ", "", one)) for one in answer.text.split("\n\n") if one]


def test_file_is_told_of_part_by_part_with_the_numbers_of_refused_lines(owner: Person) -> None:
    meter_and_sell(owner)
    lines = [line(number) for number in range(2_100)]
    lines[3:3] = [b"", b"no event"]
    content = b"\xef\xbb\xbf" + b"\r\n".join([*lines, line(0, idempotency_key="x", quantity="no")])

    told = told_of(owner, content)
    again = told_of(owner, content)

    assert len(told) == 4
    assert told[0].startswith("1,000 of 2,103 lines 998 taken, 0 there before, 1 refused.")
    assert told[-1].startswith(
        "2,103 of 2,103 lines 2,100 taken, 0 there before, 2 refused. All lines were sent."
    )
    assert "Line Code Why 5 " in told[0]
    assert " 2,103 invalid_number " in told[-1]
    assert "0 taken, 2,100 there before, 2 refused. All lines were sent." in again[-1]


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_batch"), (b"\n \n", "empty_batch")], ids=["empty", "blank"]
)
def test_file_that_says_nothing_is_refused(owner: Person, content: bytes, code: str) -> None:
    refused = owner.post(IMPORT, content=content, headers=BY_SCRIPT)

    assert refused.status_code == 422
    assert code in refused.text
    assert "<html" not in refused.text


def test_file_is_refused_beyond_its_bound(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_BYTES", 100)

    assert owner.post(IMPORT, content=line(1), headers=BY_SCRIPT).status_code == 413


def test_who_may_not_report_usage_imports_nothing(owner: Person) -> None:
    meter_and_sell(owner)

    refused = owner.invite("read_only").post(IMPORT, content=line(1), headers=BY_SCRIPT)

    assert refused.status_code == 403
    assert owner.get(f"{V1}/usage").json()["data"] == []


def test_organization_sends_one_file_at_a_time(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    organization_id = owner.get(f"{V1}/organization").json()["id"]
    monkeypatch.setattr(importing, "SENDING", {organization_id})

    refused = owner.post(IMPORT, content=line(1), headers=BY_SCRIPT)

    assert refused.status_code == 503
    assert owner.get(f"{V1}/usage").json()["data"] == []


def test_who_waits_for_a_place_waits_for_seconds(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    monkeypatch.setattr(importing, "PLACES", asyncio.Semaphore(0))
    monkeypatch.setattr(importing, "WAITING_SECONDS", 0.01)

    assert owner.post(IMPORT, content=line(1), headers=BY_SCRIPT).status_code == 503
    assert set() == importing.SENDING


def test_file_of_one_long_line_takes_no_longer_than_others(owner: Person) -> None:
    began = process_time()

    refused = owner.post(IMPORT, content=b"x" * 15_000_000, headers=BY_SCRIPT)

    assert process_time() - began < 5
    assert "0 taken, 0 there before, 1 refused. All lines were sent." in words_of(refused.text)


def test_busy_api_is_asked_again_and_what_stays_refused_is_told(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter_and_sell(owner)
    monkeypatch.setattr(importing, "PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(importing, "MOST_LINES", 1)
    asked = 0
    send = Member.send

    async def send_at_times(member: Member, path: str, lines: bytes) -> object:
        nonlocal asked
        asked += 1
        if asked in {2, 4, 5}:
            raise Refused(503, {"detail": "Too busy."})
        return await send(member, path, lines)

    monkeypatch.setattr(Member, "send", send_at_times)

    told = told_of(owner, b"\n".join([line(1), line(2), line(3)]))

    assert told[1].endswith("2 taken, 0 there before, 0 refused.")
    assert told[-1].endswith(
        "2 taken, 0 there before, 0 refused. It did not go on: The API is busy."
    )

"""A page of a list is written in turns of a millisecond, in between which others are answered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from api.reads import fast_reads


@pytest.mark.parametrize(("microseconds", "turns"), [(10, 0), (400, 6)])
async def test_event_loop_looks_around_once_a_millisecond_and_not_after_each_few_items(
    microseconds: int, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, seen = [0.0], [0]

    def write(document: str) -> bytes:
        clock[0] += microseconds / 1_000_000
        return document.encode()

    async def look_around(_seconds: float) -> None:
        seen[0] += 1

    monkeypatch.setattr(fast_reads, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(fast_reads, "asyncio", SimpleNamespace(sleep=look_around))

    answer = await fast_reads.respond_items([str(item) for item in range(20)], {}, write)

    assert seen == [turns]
    assert bytes(answer.body).startswith(b'{"data":[0,1,2,3,')

"""How much memory there is, and how many workflows a worker keeps in it unless told otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime import settings
from runtime.processes import machine
from runtime.settings import Settings

GIGABYTE = 10**9


@pytest.mark.parametrize(
    ("text", "is_limited"),
    [(f"{GIGABYTE}\n", True), ("max\n", False), (f"{2**63 - 4096}\n", False), (None, False)],
)
def test_container_may_have_less_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, is_limited: bool
) -> None:
    monkeypatch.setattr(machine, "CONTAINER_LIMITS", ())
    whole = machine.memory_bytes()
    limit = tmp_path / "memory.max"
    if text is not None:
        limit.write_text(text)

    monkeypatch.setattr(machine, "CONTAINER_LIMITS", (limit,))

    assert machine.memory_bytes() == (GIGABYTE if is_limited else whole)


@pytest.mark.parametrize(("gigabytes", "cached"), [(1, 2000), (6, 2000), (16, 5000), (64, 10000)])
def test_as_many_workflows_are_cached_as_fit_the_memory(
    monkeypatch: pytest.MonkeyPatch, gigabytes: int, cached: int
) -> None:
    monkeypatch.setattr(settings, "memory_bytes", lambda: gigabytes * GIGABYTE)

    assert Settings(_env_file=None).worker_cached_workflows == cached


def test_number_of_cached_workflows_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUXRATE_WORKER_CACHED_WORKFLOWS", "150")

    assert Settings(_env_file=None).worker_cached_workflows == 150

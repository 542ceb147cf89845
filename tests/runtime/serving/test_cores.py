"""How many processes there are by default."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.processes import cores
from runtime.processes.cores import default_api_processes, default_worker_processes
from runtime.processes.machine import available_cores


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of sixteen processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(os, "cpu_count", lambda: 16)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", 16),
        ("400000 100000", 4),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("3200000 100000", 16),
    ],
)
def test_container_limit_counts(tmp_path: Path, limit: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{limit}\n")

    assert available_cores(tmp_path) == expected


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("quota", "expected"), [("-1", 16), ("300000", 3)])
def test_container_limit_of_older_kernels_counts(tmp_path: Path, quota: str, expected: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")

    assert available_cores(tmp_path) == expected


@pytest.mark.usefixtures("machine")
def test_processors_that_the_process_may_not_use_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})

    assert available_cores(tmp_path) == 2


@pytest.mark.parametrize(
    ("count", "api", "worker"), [(1, 1, 1), (2, 2, 2), (3, 3, 2), (4, 4, 3), (8, 4, 4), (64, 4, 4)]
)
def test_api_takes_every_core_and_the_worker_two_of_three(
    monkeypatch: pytest.MonkeyPatch, count: int, api: int, worker: int
) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: count)

    assert (default_api_processes(), default_worker_processes()) == (api, worker)

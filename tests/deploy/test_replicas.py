"""Processes of a cluster are started again when they were killed, and end when they are asked."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.cluster.replicas import Replica, Supervision, stop_all
from runtime.embedded.processes import wait_until

WAITS = "import time; print('begins', flush=True); time.sleep(600)"


def make_replica(folder: Path, name: str = "worker-0") -> Replica:
    return Replica(name, [sys.executable, "-c", WAITS], folder / f"{name}.log")


def begun(replica: Replica) -> int:
    return replica.log.read_text().count("begins") if replica.log.exists() else 0


def test_killed_process_runs_again(tmp_path: Path) -> None:
    replica, supervision = make_replica(tmp_path), Supervision()
    replica.start()
    supervision.watch([replica])
    try:
        assert wait_until(lambda: begun(replica) == 1, timeout_seconds=60)
        first = replica.pid
        replica.kill()
        assert wait_until(lambda: begun(replica) == 2, timeout_seconds=60)
    finally:
        supervision.stop()
        stop_all([replica])

    assert replica.pid != first
    assert supervision.restarts["worker-0"] == 1
    assert "signal 9" in supervision.said[0]
    assert not replica.is_running()


def test_what_was_stopped_stays_stopped(tmp_path: Path) -> None:
    replica = make_replica(tmp_path)
    replica.start()
    assert wait_until(lambda: begun(replica) == 1, timeout_seconds=60)

    stop_all([replica, make_replica(tmp_path, "never-started")])

    assert not replica.is_running()
    assert begun(replica) == 1

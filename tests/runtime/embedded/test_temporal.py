"""The embedded Temporal server starts, stops, is found again and keeps its state."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from runtime.embedded.engines import EmbeddedTemporal, temporal_program
from runtime.embedded.processes import ProcessFailure
from runtime.processes.priority import BILLING_NICENESS
from runtime.temporal import connect
from workflows.names import PERIOD_INDEX, SEARCH_ATTRIBUTES


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedTemporal]:
    """A server of this test's own, stopped by its own pid whatever happens."""
    server = EmbeddedTemporal(tmp_path, SEARCH_ATTRIBUTES)
    yield server
    server.stop()


async def start_sleeper(client: Client, workflow_id: str) -> None:
    """A workflow that nobody works on: it stays as it is."""
    await client.start_workflow(
        "Sleeper",
        id=workflow_id,
        task_queue="nobody",
        search_attributes=TypedSearchAttributes([SearchAttributePair(PERIOD_INDEX, 7)]),
    )


async def test_workflows_survive_stop_and_start_with_the_same_file(
    server: EmbeddedTemporal,
) -> None:
    server.start()
    workflow_id = f"sleeper/{uuid4()}"
    await start_sleeper(await connect(server.address), workflow_id)

    server.stop()
    server.start()
    handle = (await connect(server.address)).get_workflow_handle(workflow_id)
    description = await handle.describe()

    assert description.status == WorkflowExecutionStatus.RUNNING
    assert description.typed_search_attributes[PERIOD_INDEX] == 7


async def test_killed_server_goes_on_with_its_workflows(server: EmbeddedTemporal) -> None:
    server.start()
    workflow_id = f"sleeper/{uuid4()}"
    await start_sleeper(await connect(server.address), workflow_id)
    pid = server.pid_file.holder()
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    server.start()
    handle = (await connect(server.address)).get_workflow_handle(workflow_id)

    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING


def test_second_start_attaches_and_learns_the_ports(server: EmbeddedTemporal) -> None:
    server.start()

    other = EmbeddedTemporal(server.data_dir, SEARCH_ATTRIBUTES)
    other.start()

    assert (other.port, other.ui_port) == (server.port, server.ui_port)
    assert other.pid_file.holder() == server.pid_file.holder()


def test_busy_port_is_left_to_its_owner(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        server = EmbeddedTemporal(tmp_path, SEARCH_ATTRIBUTES, port=taken)
        try:
            server.start()

            assert server.port != taken
            assert server.is_ready()
        finally:
            server.stop()


def test_missing_program_names_the_three_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TEMPORAL_CLI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))

    with pytest.raises(ProcessFailure, match=r"TEMPORAL_ADDRESS.*TEMPORAL_CLI.*embedded"):
        temporal_program()


def test_server_stands_back_as_workers_do(server: EmbeddedTemporal) -> None:
    server.start()

    [pid] = server.pids
    assert os.getpriority(os.PRIO_PROCESS, pid) == BILLING_NICENESS

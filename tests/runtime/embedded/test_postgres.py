"""The embedded PostgreSQL starts, stops, is found again and recovers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import ProcessFailure, wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server with its usual, durable settings, stopped by its own pid whatever happens."""
    server = EmbeddedPostgres(tmp_path)
    yield server
    server.stop()


def remember(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE note (word text)")
        connection.execute("INSERT INTO note VALUES ('kept')")


def recall(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM note").fetchone()
    assert row is not None
    return str(row[0])


def test_rows_survive_stop_and_start(server: EmbeddedPostgres) -> None:
    server.start()
    url = server.ensure_database("fluxrate")
    remember(url)

    server.stop()
    was_running = server.is_ready()
    server.start()

    assert not was_running
    assert recall(server.ensure_database("fluxrate")) == "kept"


def test_second_start_attaches_to_the_running_server(server: EmbeddedPostgres) -> None:
    server.start()
    pid = server.pid_file.holder()

    other = EmbeddedPostgres(server.data_dir)
    other.start()

    assert other.pid_file.holder() == pid


def test_server_killed_with_sigkill_recovers_what_was_committed(server: EmbeddedPostgres) -> None:
    server.start()
    remember(server.url())
    pid = server.pid_file.holder()
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    server.start()

    assert recall(server.url()) == "kept"
    assert server.pid_file.holder() != pid


def test_stale_pid_file_of_a_living_stranger_is_ignored(server: EmbeddedPostgres) -> None:
    server.pid_file.path.write_text(f"{os.getpid()} -\n")

    assert server.pid_file.holder() is None
    server.stop()
    server.start()

    assert server.is_ready()


def test_half_made_cluster_is_made_again(server: EmbeddedPostgres) -> None:
    unfinished = server.data_dir / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")

    server.start()

    assert server.is_ready()


def test_long_data_directory_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    server = EmbeddedPostgres(deep)

    try:
        server.start()

        assert server.is_ready()
    finally:
        server.stop()


def test_start_that_cannot_succeed_says_why(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, server_settings={"no_such_setting": "1"})

    with pytest.raises(ProcessFailure, match="no_such_setting"):
        server.start()


def test_stop_closes_open_connections_and_ends(server: EmbeddedPostgres) -> None:
    server.start()
    connection = psycopg.connect(server.url())

    server.stop()

    assert wait_until(lambda: server.pid_file.holder() is None, timeout_seconds=1)
    connection.close()

"""`fluxrate up`, `status` and `down`, on real servers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.embedded.processes import wait_until
from tests.cli.running import RunningInstance, fluxrate, get
from tests.docs.pages import DOCS, read_page
from tests.docs.reader import Reader
from tests.servers import superuser_url

SIGN_UP = {
    "email": "ops@lumenworks.test",
    "password": "correct-horse-9",
    "organization_name": "Lumen Works",
}
LOG_IN = {name: SIGN_UP[name] for name in ("email", "password")}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstance]:
    """An instance that the tests of this module look at and leave running."""
    running = RunningInstance(tmp_path_factory.mktemp("shared"))
    try:
        yield running.up()
    finally:
        running.clean_up()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningInstance]:
    """An instance that a test may start, kill and stop."""
    own = RunningInstance(tmp_path / "own")
    try:
        yield own
    finally:
        own.clean_up()


def test_every_address_of_the_table_answers(running: RunningInstance) -> None:
    addresses = running.addresses

    for url in (addresses.docs_url, addresses.temporal_ui_url):
        assert url is not None
        assert url in running.output
        assert get(url).status_code == 200
    assert addresses.database_url in running.output


@pytest.mark.parametrize(
    ("words", "path", "leads_to"),
    [
        ("Console", "/console", "/console/sign-in?next=/console"),
        ("Sign up", "/console/sign-up", "/console/sign-up"),
    ],
)
def test_links_of_the_console_and_of_the_first_run_are_printed_and_open(
    running: RunningInstance, words: str, path: str, leads_to: str
) -> None:
    address = running.addresses.host_url + path
    [line] = [one for one in running.output.splitlines() if f" {words} " in one]
    opened = get(address)

    assert f" {address} " in line
    assert opened.status_code == 200
    assert str(opened.url) == running.addresses.host_url + leads_to
    assert "<form" in opened.text


def test_nothing_of_it_is_connected_as_a_superuser(running: RunningInstance) -> None:
    with psycopg.connect(superuser_url(running.addresses.database_url)) as connection:
        accounts = connection.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity"
            " WHERE datname = 'fluxrate' AND pid <> pg_backend_pid()"
        ).fetchall()
    doctor = fluxrate("doctor", *running.directory_option)

    assert accounts == [("fluxrate_processes",)]
    assert "processes see what fluxrate_app sees" in " ".join(doctor.stdout.split())


@pytest.mark.parametrize("name", ["quickstart.md", "guides/payments.md"])
def test_pages_do_what_they_say_on_a_real_instance(
    running: RunningInstance, tmp_path: Path, name: str
) -> None:
    page = read_page(DOCS / name)
    before = read_page(page.begins_with).steps() if page.begins_with else []

    with Reader(running.addresses.api_url.removesuffix("/api/v1"), tmp_path) as reader:
        for step in (*before, *page.steps()):
            reader.follow(step)


def test_status_names_every_process(running: RunningInstance) -> None:
    result = fluxrate("status", *running.directory_option)

    assert result.returncode == 0
    for name in ("Supervisor", "API", "Worker", "Temporal", "PostgreSQL"):
        assert f"{name} " in result.stdout
    assert "does not run" not in result.stdout
    assert "The API is ready." in result.stdout


def test_second_up_in_the_same_directory_is_refused_with_a_way_out(
    running: RunningInstance,
) -> None:
    result = fluxrate("up", "--port", "0", *running.directory_option)

    assert result.returncode == 1
    assert "already runs" in result.stderr
    assert "fluxrate down" in result.stderr
    assert len(running.instance.running()) == 5


def test_busy_port_is_refused_with_a_free_one(running: RunningInstance, tmp_path: Path) -> None:
    port = running.addresses.api_url.split(":")[2].split("/")[0]

    result = fluxrate("up", "--port", port, "--data-dir", str(tmp_path))

    assert result.returncode == 1
    assert f"Port {port} is used by another program" in result.stderr
    assert "fluxrate up --port" in result.stderr


def test_killed_worker_is_started_again_and_says_so(running: RunningInstance) -> None:
    pid = running.instance.running()["worker"]

    os.kill(pid, signal.SIGKILL)

    assert wait_until(lambda: "Worker runs again." in running.output, timeout_seconds=20)
    assert "Worker ended unexpectedly (signal 9" in running.output
    assert running.instance.running()["worker"] != pid


def test_second_instance_runs_beside_the_first_until_it_is_killed_and_cleaned_up(
    running: RunningInstance, own: RunningInstance
) -> None:
    # A machine that lost its power leaves such files; the pids may be anybody's by now.
    own.data_dir.mkdir()
    for name in ("up", "api", "worker", "postgres"):
        own.instance.pid_file(name).path.write_text(f"{os.getpid()} -\n")

    own.up()
    assert own.addresses.temporal_address != running.addresses.temporal_address
    assert own.post("/auth/signup", **SIGN_UP).status_code == 201
    assert running.post("/auth/login", **LOG_IN).status_code == 401

    own.send(signal.SIGKILL)
    down = fluxrate("down", *own.directory_option)
    assert down.returncode == 0
    assert "PostgreSQL" in down.stdout
    assert own.instance.running() == {}
    assert len(running.instance.running()) == 5


def test_nothing_runs_is_said_by_status_and_down(tmp_path: Path) -> None:
    status = fluxrate("status", "--data-dir", str(tmp_path))
    down = fluxrate("down", "--data-dir", str(tmp_path))

    assert (status.returncode, down.returncode) == (3, 0)
    assert "Nothing runs" in status.stdout
    assert "Nothing runs" in down.stdout


def test_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    result = fluxrate(
        *("up", "--port", "0", "--data-dir", str(tmp_path)),
        DATABASE_URL="postgresql://billing:open-sesame@127.0.0.1:1/billing",
        TEMPORAL_ADDRESS="127.0.0.1:1",
    )

    assert result.returncode == 1
    assert "DATABASE_URL" in result.stderr
    assert "open-sesame" not in result.stderr + result.stdout


def test_temporal_that_does_not_answer_is_named(tmp_path: Path, empty_database_url: str) -> None:
    result = fluxrate(
        *("up", "--port", "0", "--data-dir", str(tmp_path)),
        DATABASE_URL=empty_database_url,
        TEMPORAL_ADDRESS="127.0.0.1:1",
    )

    assert result.returncode == 1
    assert "Temporal does not answer at 127.0.0.1:1" in result.stderr


def test_life_goes_on_after_sigkill_after_ctrl_c_and_ends_with_down(
    running: RunningInstance,
) -> None:
    """One long story, the last of this module, because every start costs seconds."""
    assert running.post("/auth/signup", **SIGN_UP).status_code == 201
    before = running.instance.running()

    running.send(signal.SIGKILL)
    assert wait_until(
        lambda: set(running.instance.running()) == {"temporal", "postgres"}, timeout_seconds=30
    ), "the API and the worker must end with their supervisor"
    status = fluxrate("status", *running.directory_option)
    assert status.returncode == 3
    assert "was killed" in status.stdout

    running.up()
    after = running.instance.running()
    assert (after["postgres"], after["temporal"]) == (before["postgres"], before["temporal"])
    assert running.post("/auth/login", **LOG_IN).status_code == 200

    assert running.send(signal.SIGINT) == 0
    assert running.instance.running() == {}

    running.up()
    assert running.post("/auth/login", **LOG_IN).status_code == 200

    down = fluxrate("down", *running.directory_option)
    assert down.returncode == 0
    assert running.process is not None
    assert running.process.wait(10) == 0
    assert running.instance.running() == {}
    assert running.instance.addresses() is None

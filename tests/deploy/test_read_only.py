"""API, worker and backups on a file system where nothing but /tmp can be written, without rights.

So compose and the chart run them. Here Linux is asked for the same without a container.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import psycopg
import pytest

from cli.local.instance import answers
from deploy.cluster.replicas import Replica, stop_all
from runtime.database.accounts import MIGRATIONS, PROCESSES
from runtime.database.migrations import upgrade
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port, last_lines, wait_until
from tests.scenarios.account import Account
from tests.servers import superuser_url

MAY_MOUNT = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare") is not None
IS_HIDDEN = Path(sys.executable).is_relative_to("/tmp")
pytestmark = [
    pytest.mark.skipif(not MAY_MOUNT, reason="only root of a Linux may mount"),
    pytest.mark.skipif(IS_HIDDEN, reason="the program lies below /tmp, which the test mounts over"),
]

BOUND = (
    "mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs tmpfs /tmp"
    " && ! touch {root}/x 2>/dev/null"
    " && exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all {words}"
)
SECONDS = 180


def bounded(name: str, words: list[str], environment: dict[str, str], folder: Path) -> Replica:
    """A process of the product that can write nowhere else."""
    command = shlex.join([sys.executable, "-m", "cli.main", *words])
    script = BOUND.format(root=Path.cwd(), words=command)
    return Replica(
        name, ["unshare", "--mount", "sh", "-c", script], folder / f"{name}.log", environment
    )


@pytest.fixture
def environment(temporal_address: str) -> Iterator[dict[str, str]]:
    """Settings of an installation whose database those without rights can reach."""
    # Not below /tmp, of which the processes have their own.
    folder = Path(tempfile.mkdtemp(prefix="fluxrate-read-only-", dir="/var/tmp"))
    server = EmbeddedPostgres(folder, server_settings={"fsync": "off"})
    server.start()
    server.socket_dir.chmod(0o711)
    server.ensure_database("fluxrate")
    upgrade(server.url("fluxrate", MIGRATIONS))
    yield {
        **os.environ,
        "DATABASE_URL": server.url("fluxrate", PROCESSES),
        "TEMPORAL_ADDRESS": temporal_address,
        "FLUXRATE_SECRET_KEY": "a secret of a test, long enough to sign",
        "FLUXRATE_SIGNUP": "open",
        "FLUXRATE_TASK_QUEUE": f"read-only-{os.getpid()}",
        "FLUXRATE_WORKER_METRICS": f"127.0.0.1:{choose_port()}",
    }
    server.stop()
    shutil.rmtree(folder)


def test_backup_and_restore_need_no_place_but_tmp(environment: dict[str, str]) -> None:
    owner = superuser_url(environment["DATABASE_URL"])
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE DATABASE copied")
    copied = owner.replace("/fluxrate?", "/copied?")
    program = shlex.join([sys.executable, "-m", "cli.main"])
    words = (
        f'copy=$(mktemp --directory)/monday.backup && {program} backup "$copy"'
        f' && FLUXRATE_MIGRATION_DATABASE_URL={shlex.quote(copied)} {program} restore "$copy"'
    )
    script = BOUND.format(root=Path.cwd(), words=shlex.join(["sh", "-c", words]))

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env=environment | {"FLUXRATE_MIGRATION_DATABASE_URL": owner},
        text=True,
        capture_output=True,
        timeout=SECONDS * 2,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "all are equal" in done.stdout


def test_api_and_worker_need_no_place_but_tmp(environment: dict[str, str], tmp_path: Path) -> None:
    port = choose_port()
    words = ["api", "--port", str(port), "--processes", "2"]
    api = bounded("api", words, environment, tmp_path)
    worker = bounded("worker", ["worker", "--processes", "1"], environment, tmp_path)
    for one in (api, worker):
        one.start()
    try:
        for one, url in (
            (api, f"http://127.0.0.1:{port}/readyz"),
            (worker, f"http://{environment['FLUXRATE_WORKER_METRICS']}/metrics"),
        ):
            assert wait_until(partial(answers, url), timeout_seconds=SECONDS), last_lines(one.log)
        account = Account(f"http://127.0.0.1:{port}").sign_up()
        invoice = issue(account)
        document = account.client.get(f"/api/v1/invoices/{invoice}/pdf")
        assert wait_until(
            lambda: b"worker_ready" in worker.log.read_bytes(), timeout_seconds=SECONDS
        ), last_lines(worker.log)
    finally:
        stop_all([api, worker])

    assert document.content.startswith(b"%PDF")
    assert "Traceback" not in api.log.read_text() + worker.log.read_text()


def issue(account: Account) -> str:
    """The id of a final invoice of a new customer."""
    customer = account.create_customer("acct_1", billing_address_country="US")
    line = {"description": "Work", "quantity": 1, "unit_amount": Decimal(10)}
    body = {
        "customer_id": customer["id"],
        "currency": "USD",
        "due_date": "2036-01-01T00:00:00Z",
        "line_items": [line],
    }
    made = account.post("/invoices", body)
    account.post(f"/invoices/{made['id']}/finalize")
    return str(made["id"])

"""A durable PostgreSQL and an API process that a test may kill and start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.database.accounts import PROCESSES
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port, wait_until
from tests.cli.running import clean_environment
from tests.scenarios.account import Account
from tests.scenarios.product import SECRET
from tests.servers import make_database

NO_TEMPORAL = "127.0.0.1:1"
START_SECONDS = 120.0


@dataclass(slots=True)
class IngestionSite:
    """One database and one API, each by its own pid."""

    directory: Path
    """Within the run's own directory, which the database's system account may enter."""
    postgres: EmbeddedPostgres = field(init=False)
    port: int = field(init=False)
    api: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self.postgres = EmbeddedPostgres(self.directory / "database")
        self.postgres.data_dir.mkdir()
        self.port = choose_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return self.postgres.url("fluxrate", PROCESSES)

    def start(self) -> IngestionSite:
        self.postgres.start()
        make_database(self.postgres, "fluxrate")
        self.start_api()
        return self

    def stop(self) -> None:
        if self.api is not None:
            self.api.kill()
            self.api.wait()
        self.postgres.stop()

    def start_api(self) -> None:
        """The API accepts connections, whether or not the database does."""
        settings = {
            "DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": NO_TEMPORAL,
            "FLUXRATE_SECRET_KEY": SECRET,
            "FLUXRATE_SIGNUP": "open",
        }
        with (self.directory / "api.log").open("ab") as log:
            self.api = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "api", "--port", str(self.port)],
                env=clean_environment() | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._listens, timeout_seconds=START_SECONDS)
        assert self._listens(), (self.directory / "api.log").read_text()[-3000:]

    def kill_api(self) -> None:
        """As the kernel does when memory is short."""
        assert self.api is not None
        self.api.kill()
        self.api.wait()
        # Its processes notice and follow; until then they would be taken for the next API.
        assert wait_until(lambda: not self._listens(), timeout_seconds=START_SECONDS)

    def kill_postgres(self) -> None:
        """The postmaster is gone; its backends notice and follow."""
        pid = self.postgres.pid_file.holder()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def sign_up(self) -> tuple[Account, dict[str, str]]:
        """An organization with the meter ``api_calls``, and the header of a key that may write."""
        account = Account(self.url).sign_up()
        account.create_meter("api_calls")
        key = account.post("/api-keys", {"name": "Backend", "scopes": ["usage.write"]})["key"]
        return account, {"X-API-Key": key}

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        return True


def calls(key: str, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    """An event of January."""
    return {
        "meter_name": "api_calls",
        "customer_external_id": "acct_1",
        "quantity": quantity,
        "timestamp": "2026-01-15T12:00:00Z",
        "idempotency_key": key,
        **fields,
    }


def seconds_since(began: float) -> float:
    """How long ago that was."""
    return time.monotonic() - began

"""Everything that takes part, as processes of their own, of which most are killed at random."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2

from runtime.embedded.engines import EmbeddedPostgres, EmbeddedTemporal
from runtime.embedded.processes import choose_port
from tests.servers import make_database
from workflows.names import SEARCH_ATTRIBUTES

READY_SECONDS = 180
SHORTEST_PAUSE, LONGEST_PAUSE = 6.0, 20.0
"""Between one kill and the next."""

WORKER_READY = b'"event": "worker_ready"'

KILLED = ("worker", "worker", "api", "api", "postgres")
"""Who dies how often, in an order of chance."""


class Site:
    """Servers, a gateway that outlives them, and the product's two processes."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="fluxrate-payments-"))
        (self.directory / "postgres").mkdir()
        self.postgres = EmbeddedPostgres(self.directory / "postgres")
        self.temporal = EmbeddedTemporal(self.directory, SEARCH_ATTRIBUTES)
        self.ledger = self.directory / "gateway.sqlite"
        self.port, self._gateway_port = choose_port(), choose_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.kills: Counter[str] = Counter()
        self._starts: Counter[str] = Counter()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Everything runs, and requests are answered."""
        self.postgres.start()
        self.temporal.start()
        self.database_url = make_database(self.postgres, "payments")
        words = ["-m", "cli.main", "sandbox-gateway", "serve", "--ledger", str(self.ledger)]
        self._spawn("gateway", [*words, "--port", str(self._gateway_port)])
        for name in ("api", "worker"):
            self._start(name)
        self.wait_until_ready()

    def stop(self) -> None:
        """Nothing runs, and nothing is left."""
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.temporal.stop()
        self.postgres.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self, name: str) -> None:
        """It is dead, as by a power cut, and runs again."""
        self.kills[name] += 1
        if name == "postgres":
            self.postgres.pid_file.stop(signal.SIGQUIT, timeout_seconds=30)
            self.postgres.start()
            return
        self._processes[name].kill()
        self._processes[name].wait()
        self._start(name)

    def kill_until(self, end: threading.Event, seed: int) -> None:
        """Somebody is killed every few seconds, until the end; nobody is spared for long."""
        chance = random.Random(seed)
        turn: list[str] = []
        while not end.wait(chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)):
            turn = turn or chance.sample(KILLED, len(KILLED))
            self.kill(turn.pop())
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Who was killed works again: on a busy machine it takes longer than a pause to begin."""
        deadline = time.monotonic() + READY_SECONDS
        while self._log("worker").read_bytes().count(WORKER_READY) < self._starts["worker"]:
            assert time.monotonic() < deadline, "the worker does not begin"
            time.sleep(0.1)
        self.wait_until_answered()

    @contextmanager
    def killing(self, seed: int, *, each_once: bool) -> Iterator[None]:
        """Meanwhile they are killed; at the end all of them run."""
        end = threading.Event()
        with ThreadPoolExecutor(1) as killers:
            killing = killers.submit(
                self.kill_each if each_once else partial(self.kill_until, end, seed)
            )
            try:
                yield
            finally:
                end.set()
            killing.result()

    def kill_each(self) -> None:
        """Each of them is killed once; PostgreSQL first, for who starts needs it."""
        for name in dict.fromkeys(reversed(KILLED)):
            time.sleep(1)
            self.kill(name)

    def wait_until_answered(self) -> None:
        """The API answers."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx2.get(f"{self.url}/livez", trust_env=False, timeout=2).is_success:
                    return
            except httpx2.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the API does not answer")

    def _start(self, name: str) -> None:
        words = ["-m", "tests.faults.payments.short_patience", name]
        self._spawn(name, [*words, "--port", str(self.port)] if name == "api" else words)

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _spawn(self, name: str, words: list[str]) -> None:
        self._starts[name] += 1
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, *words], env=self._environment(), stdout=log, stderr=log
            )

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": self.temporal.address,
            "FLUXRATE_SECRET_KEY": "a secret of a proof, long enough to sign",
            "FLUXRATE_SIGNUP": "open",
            "FLUXRATE_ACCESS_TOKEN_SECONDS": "86400",
            "FLUXRATE_PUBLIC_URL": self.url,
            "FLUXRATE_SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{self._gateway_port}",
        }

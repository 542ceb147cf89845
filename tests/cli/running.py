"""Runs the command line as an operator does: as a process, by its output and exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from cli.local.instance import Addresses, Instance
from runtime.embedded.processes import wait_until

EXTERNAL = ("DATABASE_URL", "TEMPORAL_ADDRESS", "FLUXRATE_MIGRATION_DATABASE_URL")
SECONDS_TO_START = 600
SECONDS_TO_ANSWER = 60
"""Other tests compute beside this one."""


def fluxrate(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A finished command."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        env=clean_environment() | environment,
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )


def get(url: str) -> httpx2.Response:
    """The answer of an address, or of where it leads."""
    return httpx2.get(url, trust_env=False, timeout=SECONDS_TO_ANSWER, follow_redirects=True)


def post(url: str, **body: str) -> httpx2.Response:
    """The answer to a body of JSON."""
    return httpx2.post(url, json=body, trust_env=False, timeout=SECONDS_TO_ANSWER)


def clean_environment() -> dict[str, str]:
    """Ours, without servers that a developer may have named in it."""
    return {name: value for name, value in os.environ.items() if name not in EXTERNAL}


def heed_interrupts() -> None:
    """SIGINT reaches what we start, even where this run began in the background, ignoring it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(slots=True)
class RunningInstance:
    """``fluxrate up`` in a data directory, as often as a test starts it."""

    data_dir: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def instance(self) -> Instance:
        """The instance's own view of its processes."""
        return Instance(self.data_dir)

    @property
    def output(self) -> str:
        """What ``up`` has printed since its last start."""
        return (self.data_dir / "up.txt").read_text()

    @property
    def addresses(self) -> Addresses:
        """Where it answers."""
        found = self.instance.addresses()
        assert found is not None, self.output
        return found

    def up(self, *options: str) -> RunningInstance:
        """Start it on a free port and wait until it says that it is ready."""
        heed_interrupts()
        self.data_dir.mkdir(exist_ok=True)
        with (self.data_dir / "up.txt").open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "cli.main", "up", "--port", "0"),
                    *(*self.directory_option, *options),
                ],
                env=clean_environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self.process
        wait_until(
            lambda: "Ready after" in self.output or process.poll() is not None,
            timeout_seconds=SECONDS_TO_START,
        )
        assert "Ready after" in self.output, self.output
        return self

    def send(self, sent: signal.Signals) -> int:
        """Send the supervisor a signal; its exit code."""
        assert self.process is not None
        self.process.send_signal(sent)
        return self.process.wait(60)

    def clean_up(self) -> None:
        """Nothing of it runs any more, whatever the test did."""
        self.instance.stop_everything()
        if self.process is not None:
            self.process.wait(60)

    @property
    def directory_option(self) -> tuple[str, str]:
        """The option that names its data directory."""
        return ("--data-dir", str(self.data_dir))

    def post(self, path: str, **body: str) -> httpx2.Response:
        """The answer of its API."""
        return post(f"{self.addresses.api_url}{path}", **body)

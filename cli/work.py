"""Run a worker: ``fluxrate worker``, and the child process of ``fluxrate up``."""

from __future__ import annotations

import argparse
from typing import NoReturn

from cli.requirements import require_servers
from runtime.exit import leave
from runtime.processes.group import ProcessGroup
from runtime.processes.priority import BILLING_NICENESS, lower_priority
from runtime.settings import Settings
from runtime.telemetry import configure_logging


def work(processes: int) -> NoReturn:
    """Do what is due until SIGTERM or SIGINT; steps that run are finished first.

    Raises:
        Refusal: a setting is missing.
    """
    require_servers(Settings(), "A worker")
    configure_logging("worker")
    # Also of the session, if it is this process's own, where no child could do it.
    lower_priority(BILLING_NICENESS)
    if processes == 1:
        from worker import main as run_worker

        run_worker()
    leave(ProcessGroup(["worker"], processes).run())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    work(parser.parse_args().processes)

"""Run a worker: ``fluxrate worker``, and the child process of ``fluxrate up``."""

from __future__ import annotations

import argparse
import tempfile
from typing import NoReturn

from cli.requirements import require_servers
from runtime.exit import leave
from runtime.measuring.files import COUNTERS_DIRECTORY
from runtime.processes.group import ProcessGroup
from runtime.processes.priority import BILLING_NICENESS, lower_priority
from runtime.settings import Settings
from runtime.telemetry import configure_logging


def work(processes: int) -> NoReturn:
    """Do what is due until SIGTERM or SIGINT; steps that run are finished first.

    Raises:
        Refusal: a setting is missing.
    """
    settings = Settings()
    require_servers(settings, "A worker")
    configure_logging("worker", level=settings.log_level)
    # Also of the session, if it is this process's own, where no child could do it.
    lower_priority(BILLING_NICENESS)
    if processes == 1:
        from worker import main as run_worker

        run_worker()
    if settings.worker_metrics is None:
        leave(ProcessGroup(["worker"], processes).run())
    from runtime.measuring.server import registry_of_files, serve_metrics

    address, token = settings.worker_metrics, settings.shown_operator_token
    with (
        tempfile.TemporaryDirectory() as counters,
        serve_metrics(address, registry_of_files(counters), token=token),
    ):
        environment = {COUNTERS_DIRECTORY: counters}
        code = ProcessGroup(["worker"], processes, environment=environment).run()
    leave(code)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    work(parser.parse_args().processes)

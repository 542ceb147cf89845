"""Workers that kill themselves at a step: ``python -m tests.faults.steps.crashing_worker``.

Imports everything once, then forks a worker for every line of standard input, and writes a line
when one has died. A fork is safe because no thread of Temporal's runtime has been started yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from runtime.database.engine import create_application_engine
from runtime.settings import Settings
from runtime.temporal import connect
from tests.faults.steps.crashes import Crash, FailingTransactions, Moment, kill_this_process
from worker import build_worker

LONGEST_LIFE_SECONDS = 120.0


async def work(settings: Settings, crash: Crash) -> None:
    """Serve one queue until the crash."""
    assert settings.database_url
    assert settings.temporal_address
    engine = create_application_engine(settings.database_url, pool_size=4)
    client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
    transactions = FailingTransactions(engine, crash, kill_this_process)
    with ThreadPoolExecutor(max_workers=2) as executor:
        async with build_worker(client, transactions, settings, executor):
            await asyncio.sleep(LONGEST_LIFE_SECONDS)


def fork_worker(line: str) -> int:
    """A worker as the line describes it; its pid."""
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        settings = Settings(
            _env_file=None,
            DATABASE_URL=asked["database_url"],
            TEMPORAL_ADDRESS=asked["temporal_address"],
            task_queue=asked["task_queue"],
            worker_activity_slots=2,
            worker_workflow_task_slots=2,
        )
        asyncio.run(work(settings, Crash(step=asked["step"], moment=Moment(asked["moment"]))))
        os._exit(0)
    return child


def main() -> None:
    """Fork workers until standard input ends, then wait for the last of them to die."""
    children: dict[int, str] = {}
    for line in sys.stdin:
        children[fork_worker(line)] = json.loads(line)["task_queue"]
    while children:
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        print("died", children.pop(pid), code, flush=True)  # noqa: T201  # read by the test


if __name__ == "__main__":
    main()

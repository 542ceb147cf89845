"""Many simulated lives at once: ``python -m tests.workflows.simulate --seeds 500``.

Prints the seeds that failed, with what broke, and ends with exit code 1 if there were any. A
failing seed repeats with ``--first SEED --seeds 1``.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track

from tests.workflows.simulated.fates import NO_FAULTS
from tests.workflows.simulated.invariants import check_same
from tests.workflows.simulated.simulator import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one seed went."""

    seed: int
    failure: str | None
    steps: int = 0
    crashes: int = 0
    runs: int = 0


def try_seed(seed: int) -> Verdict:
    """Live the seed's life without faults and with them, and compare."""
    try:
        calm = Simulation(seed, NO_FAULTS).run()
        life = Simulation(seed).run()
        check_same(life, calm)
    except Exception as error:  # noqa: BLE001  # whatever breaks belongs into the report
        return Verdict(seed=seed, failure=f"{type(error).__name__}: {error}")
    return Verdict(
        seed=seed,
        failure=None,
        steps=len(life.requests),
        crashes=life.crashes,
        runs=life.runs,
    )


def main() -> None:
    """Try the seeds on every core."""
    parser = argparse.ArgumentParser(description="Simulate subscriptions under faults.")
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    console = Console()
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.processes, _be_quiet) as pool:
        answers = pool.imap_unordered(try_seed, seeds, chunksize=4)
        verdicts = list(track(answers, description="Simulating", total=len(seeds), console=console))
    failed = sorted((one for one in verdicts if one.failure), key=lambda one: one.seed)
    for one in failed:
        console.print(f"seed {one.seed}: {one.failure}", markup=False, soft_wrap=True)
    console.print(
        f"{len(verdicts)} seeds in {time.monotonic() - started:.0f} s:"
        f" {sum(one.steps for one in verdicts):,} steps,"
        f" {sum(one.crashes for one in verdicts):,} crashes,"
        f" {sum(one.runs for one in verdicts):,} runs; {len(failed)} failed"
    )
    sys.exit(bool(failed))


def _be_quiet() -> None:
    # Activations that fail are reported as verdicts.
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    main()

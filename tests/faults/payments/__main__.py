"""Payments while everything fails: ``python -m tests.faults.payments --count 10000 --seed 1``."""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from tests.faults.payments.proof import prove
from tests.faults.progress import show


def main() -> None:
    """Prove it, and say what was done; the exit status is 1 if the books differ."""
    parser = argparse.ArgumentParser(description="Never twice: payments under faults.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--within", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    report = prove(arguments.count, arguments.seed, show, within_seconds=arguments.within)
    text = json.dumps(report.to_document(), indent=2, default=str)
    sys.stdout.write(f"\n{text}\n")
    if arguments.report is not None:
        arguments.report.write_text(text + "\n")
    sys.exit(1 if report.differences else 0)


if __name__ == "__main__":
    main()

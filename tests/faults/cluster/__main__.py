"""A wave on a cluster while it is killed: ``python -m tests.faults.cluster --count 1000``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from rich.console import Console

from deploy.cluster.temporal import PROGRAMS
from tests.faults.cluster.proof import prove
from tests.faults.progress import show


def main() -> None:
    """Prove it, and say what was done; the exit status is 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description="A wave on a cluster, parts of it killed.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    if not (PROGRAMS / "server").exists():
        raise SystemExit(f"There is no server in {PROGRAMS}: build it with `make temporal-server`.")
    # Whoever ends it otherwise leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = prove(arguments.count, show, Console())
    text = json.dumps(report.to_document(), indent=2, default=str)
    sys.stdout.write(f"\n{text}\n")
    if arguments.report is not None:
        arguments.report.write_text(text + "\n")
    sys.exit(1 if report.differences else 0)


if __name__ == "__main__":
    main()

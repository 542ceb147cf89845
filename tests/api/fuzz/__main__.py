"""Requests out of the document at the running product: ``make fuzz REQUESTS=50000 SEED=7``.

Nothing that is sent leads to an answer of which the document does not tell: neither an error of
the server, nor a status, a code, a type, a header or a property. A defect is told once, when it is
first seen; then the exit code is 1. Ctrl-C ends a run early, with its table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from runtime.exit import leave
from tests.api.fuzz.run import Run
from tests.api.fuzz.site import open_site

WIDE = 160
"""Columns of a log, which no terminal folds."""
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


def main() -> None:
    """Send them, and say what was answered."""
    parser = argparse.ArgumentParser(description="Fuzz every operation of the document.")
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the operations' names")
    parser.add_argument("--log", type=Path, default=Path(".tools/fuzz.log"))
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    options.log.parent.mkdir(exist_ok=True)
    console, started = (
        Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDE),
        time.monotonic(),
    )
    with open_site(options.log) as site, Run(site, options.seed, options.only) as run:
        tally = run.tally
        with Progress(*COLUMNS, console=console) as progress, suppress(KeyboardInterrupt):
            bar = progress.add_task("Fuzzing", total=options.requests)
            for _ in run.send(options.requests):
                progress.advance(bar)
                tally.tell_new(console)
    tally.tell_answers(console)
    console.print(
        f"{tally.requests:,} requests in {time.monotonic() - started:.0f} s,"
        f" seed {options.seed}: {len(tally.defects)} defects; the product's log: {options.log}"
    )
    if options.report:
        options.report.write_text(json.dumps(tally.to_document(), indent=1) + "\n")
    leave(bool(tally.defects))


if __name__ == "__main__":
    main()

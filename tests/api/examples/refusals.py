"""Write `api/document/refusals.json` again, out of what a run of the tests has seen.

FLUXRATE_RECORD_REFUSALS names the file that the run wrote: a line for each refusal. What was
recorded before and not met by this run stays, since other runs (fuzzing, scenarios) may have met
it, and is printed: whoever took a refusal out of the code takes it out of the file by hand.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from api.app import describe
from api.document.codes import read_codes
from api.document.operations import operations
from api.document.problems import REFUSALS, read_refusals, refusals_of_kind

Refusals = dict[str, set[str]]
"""Status and code of each refusal, by the operation's name."""


def read_seen(file: Path) -> Refusals:
    """What a run has met, but for failures of the product itself."""
    found: Refusals = defaultdict(set)
    for line in file.read_text().splitlines():
        name, refusal = line.split(" ", 1)
        status, code = refusal.split()
        if code in read_codes() and status != "500":
            found[name].add(refusal)
    return found


def not_met(seen: Mapping[str, set[str]]) -> list[str]:
    """What was recorded before and this run has not met, a line each."""
    return [
        f"{name} {refusal}"
        for name, those in read_refusals().items()
        for refusal in sorted(set(those) - seen.get(name, set()))
    ]


def gather(seen: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """What was seen, and what was recorded before, without what holds for the whole kind."""
    found: Refusals = defaultdict(set)
    for those in (read_refusals(), seen):
        for name, refusals in those.items():
            found[name].update(refusals)
    kinds = {
        operation["operationId"]: set(refusals_of_kind(operation, method))
        for _, method, operation in operations(describe())
    }
    return {name: sorted(found[name] - kinds[name]) for name in sorted(found.keys() & kinds.keys())}


if __name__ == "__main__":
    met = read_seen(Path(sys.argv[1]))
    if forgotten := not_met(met):
        told = f"{len(forgotten)} refusals were recorded before and not met by this run:"
        sys.stdout.write("\n".join([told, *forgotten, ""]))
    REFUSALS.write_text(json.dumps(gather(met), indent=1) + "\n")

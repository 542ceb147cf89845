"""Write `api/document/refusals.json` again, out of what a run of the tests has seen.

FLUXRATE_RECORD_REFUSALS names the file that the run wrote: a line for each refusal.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from api.app import describe
from api.document.codes import read_codes
from api.document.operations import operations
from api.document.problems import REFUSALS, read_refusals, refusals_of_kind


def gather(seen: Path) -> dict[str, list[str]]:
    """What was seen, and what was recorded before, without what holds for the whole kind."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, those in read_refusals().items():
        found[name].update(those)
    for line in seen.read_text().splitlines():
        name, refusal = line.split(" ", 1)
        status, code = refusal.split()
        if code in read_codes() and status != "500":
            found[name].add(refusal)
    kinds = {
        operation["operationId"]: set(refusals_of_kind(operation, method))
        for _, method, operation in operations(describe())
    }
    return {name: sorted(found[name] - kinds[name]) for name in sorted(found.keys() & kinds.keys())}


if __name__ == "__main__":
    REFUSALS.write_text(json.dumps(gather(Path(sys.argv[1])), indent=1) + "\n")

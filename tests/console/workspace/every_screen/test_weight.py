"""How much script a page loads: what a telephone pays for looking at it."""

from __future__ import annotations

import gzip
import re
from typing import Final

from tests.api.people import Person
from tests.console.billed import billed
from tests.console.workspace.signed_in import screens_of

MOST_BYTES: Final = 90 * 1024
"""Of all scripts of a page together, gzipped."""


def test_no_page_loads_more_script_than_ninety_kilobytes(owner: Person) -> None:
    weights: dict[str, int] = {}
    loaded: dict[str, int] = {}
    for address in screens_of(owner, *billed(owner)):
        scripts = set(re.findall(r'<script[^>]* src="([^"]+)"', owner.get(address).text))
        assert scripts, address
        for one in scripts:
            weights.setdefault(one, len(gzip.compress(owner.get(one).content)))
        loaded[address] = sum(weights[one] for one in scripts)

    assert any("uPlot" in one for one in weights)
    assert {address: size for address, size in loaded.items() if size > MOST_BYTES} == {}

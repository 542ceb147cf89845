"""Documents look as they looked when somebody last looked at them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.documents.view import Document
from tests.services.documents.pictures import GOLDEN, SMALL, draw, grey
from tests.services.documents.samples import samples

SAMPLES = samples()
MOST_DIFFERENT = 0.002
"""The share of pixels that may differ visibly; a moved line makes several times as many differ."""


def share_different(name: str, document: Document) -> float:
    worst = 0.0
    for place, picture in enumerate(draw(document, SMALL), 1):
        width, now = grey(picture)
        golden_width, golden = grey((GOLDEN / f"{name}-{place}.png").read_bytes())
        assert (width, len(now)) == (golden_width, len(golden))
        different = sum(abs(one - other) > 48 for one, other in zip(now, golden, strict=True))
        worst = max(worst, different / len(now))
    return worst


@pytest.mark.parametrize("name", SAMPLES)
def test_document_looks_as_its_picture(name: str) -> None:
    assert share_different(name, SAMPLES[name]) <= MOST_DIFFERENT


def test_row_more_is_seen() -> None:
    document = SAMPLES["one-line"]
    buyer = replace(document.buyer, state="Île-de-France", registration_number="RCS 303 265 045")

    assert share_different("one-line", replace(document, buyer=buyer)) > 2 * MOST_DIFFERENT

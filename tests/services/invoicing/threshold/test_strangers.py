"""The stranger's script computes bills of a period that runs, and its last, from what is signed.

*Source: CONTRACT section 6, Proof for anybody; CREDITS 24.*
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.money import plain_text
from services.invoicing import receipt_checks
from tests.money.strangers import run, write_files
from tests.services.invoicing.bills import GRACE_OVER, pass_to, use
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, give
from tests.services.invoicing.threshold.stepped import begin_stepped, look, require_sound
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import Shop

TIERS: dict[str, Any] = {
    "minimum": Decimal(100),
    "pricing": {
        "model": "graduated",
        "tiers": [
            {"up_to": 10, "unit_price": Decimal(5)},
            {"up_to": None, "unit_price": Decimal(1)},
        ],
    },
}


@pytest.fixture
def files(shop: Shop, tmp_path: Path) -> list[list[str]]:
    """What a customer gets of two threshold invoices and the last; credit pays some of them."""
    life = begin_stepped(with_signer(shop), "20", TIERS)
    give(life, "25", expires_at=FIFTEENTH)
    give(life, "30")
    use(life, (5, "8"))
    look(life)
    use(life, (20, "22"))
    look(life)
    use(life, (21, "3"))
    pass_to(life, GRACE_OVER)
    require_sound(life)
    assert [plain_text(one.subtotal) for one in life.invoices()][:3] == ["40", "30", "30"]
    folders = [tmp_path / str(place) for place in range(3)]
    for folder in folders:
        folder.mkdir()
    receipts = receipts_of(life.shop)[:3]
    return [
        write_files(life.shop, receipt, folder)
        for receipt, folder in zip(receipts, folders, strict=True)
    ]


def test_the_script_agrees_with_each(files: list[list[str]]) -> None:
    said = [run(arguments) for arguments in files]

    # Of 40 credit pays 25 and 15; of the next 30 the other 15.
    assert said == [
        (0, "INV-2025-0001: 0 USD\n"),
        (0, "INV-2025-0002: 15 USD\n"),
        (0, "INV-2025-0003: 30 USD\n"),
    ]


def test_what_is_taken_off_is_signed(files: list[list[str]]) -> None:
    path = Path(files[2][0])
    document = json.loads(path.read_text())
    [before] = [one for one in document["lines"] if one["type"] == "invoiced_before"]
    assert before["total"] == "-70"

    before["total"] = before["exact_amount"] = "-60"
    path.write_text(json.dumps(document))

    status, said = run(files[2])
    assert status == 1
    assert "total" in said


def test_what_is_of_a_period_so_far_is_signed(files: list[list[str]]) -> None:
    path = Path(files[0][0])
    document = json.loads(path.read_text())
    assert document["inputs"].pop("is_so_far") is True
    path.write_text(json.dumps(document))

    assert run(files[0])[0] == 1


def test_receipts_of_steps_are_judged_like_any_other(shop: Shop) -> None:
    life = begin_stepped(with_signer(shop))
    use(life, (5, "60"))
    look(life)
    pass_to(life, GRACE_OVER)

    with life.shop.transactions.for_organization(shop.organization_id) as session:
        judged = [
            receipt_checks.judge(session, receipt, most_events=1_000)
            for receipt in receipts_of(life.shop)
        ]

    assert [one.flaw for one in judged] == [None] * len(judged)
    assert all(one.has_recomputed for one in judged[:2])

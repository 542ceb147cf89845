"""Coupons stand on every form of an invoice, and the stranger's script counts them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from services.documents.assembly import read_invoice
from services.documents.summary import summarize
from services.documents.text import render_text
from tests.money.strangers import run, write_files
from tests.services.invoicing.bills import GRACE_OVER, invoices_of, pass_to, use
from tests.services.invoicing.coupons import redeem
from tests.services.lives import begin_life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import Shop

SHOWN = MappingProxyType({"Subtotal": "$80.00", "Coupon SPRING": "-$20.00", "Total": "$60.00"})


def test_text_and_pages_show_each_coupon_below_the_subtotal(shop: Shop) -> None:
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    document = shop.read(read_invoice, final.id)

    rows = {one["words"]: one["amount"] for one in summarize(document).totals}
    assert SHOWN.items() <= {name: one.replace("−", "-") for name, one in rows.items()}.items()
    text = render_text(document)
    assert [line.split()[0] for line in text.splitlines()[-4:]] == [
        "Subtotal",
        "Coupon",
        "Tax",
        "Total",
    ]
    assert "Coupon SPRING" in text


def test_stranger_comes_to_the_same_total_and_finds_a_coupon_that_was_changed(
    shop: Shop, tmp_path: Path
) -> None:
    shop = with_signer(shop)
    life = begin_life(shop)
    redeem(life, percent=Decimal(25))
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [receipt, *_] = receipts_of(shop)
    arguments = write_files(shop, receipt, tmp_path)

    assert run(arguments) == (0, "INV-2025-0001: 60 USD\n")

    document = json.loads(Path(arguments[0]).read_text())
    document["coupons"][0]["lines"][0]["total"] = "-19.99"
    Path(arguments[0]).write_text(json.dumps(document))
    assert run(arguments) == (1, "different: coupons\n")

"""The stranger's script computes lines in own units again, and what credit left of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from billing.money import find_currency
from services.documents import assembly, text
from services.documents.einvoice.lines import net_lines, price_of
from tests.money.strangers import run, write_files
from tests.services.invoicing.bills import (
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    require_proven,
    use,
)
from tests.services.invoicing.own_units.tokens import give_tokens, live_on_tokens
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, findings, give
from tests.services.invoicing.prepaid.test_strangers import change
from tests.services.lives import Life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import Shop

Document = dict[str, Any]


@pytest.fixture
def life(shop: Shop) -> Life:
    """100 tokens used before the fifteenth and 60 after it, of which 70 and 20 are paid."""
    life = live_on_tokens(with_signer(shop))
    give_tokens(life, "70", expires_at=FIFTEENTH)
    give_tokens(life, "20", effective_at=FIFTEENTH)
    give(life, "0.3")
    use(life, (5, "50"), (20, "30"))
    pass_to(life, GRACE_OVER)
    return life


@pytest.fixture
def arguments(shop: Shop, life: Life, tmp_path: Path) -> list[str]:
    """What the customer gets: 70 of 160 tokens are left, 1.40, of which dollars pay 0.30."""
    [receipt, *_] = receipts_of(shop)
    return write_files(shop, receipt, tmp_path)


def test_the_script_agrees(arguments: list[str], life: Life, shop: Shop) -> None:
    assert run(arguments) == (0, "INV-2025-0001: 1.1 USD\n")
    assert findings(life) == []
    require_proven(life)


def test_the_script_agrees_on_usage_that_came_late(
    arguments: list[str], life: Life, shop: Shop, tmp_path: Path
) -> None:
    use(life, (6, "10"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))
    pass_to(life, GRACE_OVER + timedelta(days=28))
    [_, receipt, *_] = receipts_of(shop)

    assert run(write_files(shop, receipt, tmp_path)) == (0, "INV-2025-0002: 0.4 USD\n")
    assert findings(life) == []


def pay_more(document: Document) -> None:
    """The seller says that a grant paid 10 less, and bills these."""
    document["credits"][0]["amount"] = "60"
    document["lines"][0]["total"] = "1.6"


def use_more(document: Document) -> None:
    """More could be paid than the line came to."""
    document["drawing"]["in_units"][0]["segments"][1]["amount"] = "90"


def charge_more(document: Document) -> None:
    """The rest is dearer than the charge says."""
    document["lines"][0]["overage_rate"] = "0.03"


@pytest.mark.parametrize("edit", [pay_more, use_more, charge_more])
def test_what_does_not_come_out_is_different_whoever_signed_it(
    arguments: list[str], edit: Callable[[Document], None]
) -> None:
    change(arguments, edit, signed=True)

    code, found = run(arguments)

    assert (code, found.startswith("different: ")) == (1, True), found


def test_documents_show_how_the_rest_became_money(shop: Shop, life: Life) -> None:
    [final, *_] = invoices_of(life)

    document = shop.read(assembly.read_invoice, final.id)

    shown = text.render_text(document)
    assert "(80 × 2 TOKENS)" in shown
    assert "160 TOKENS − 90 prepaid credit = 70 TOKENS × $0.02" in shown
    [line] = net_lines(document)
    price = price_of(line, find_currency("USD"), is_whole=True)
    assert price.quantity * price.amount / price.base == line.net

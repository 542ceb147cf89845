"""What documents, explanations and receipts say of units that are taxed as they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from repositories.usage.digests import EXPLAINED_LINES
from services.documents import assembly, text
from services.documents.einvoice.cii import to_cii
from services.invoicing import proofs
from tests.money.strangers import run, write_files
from tests.services.invoicing.own_units.test_at_use import billed
from tests.services.invoicing.own_units.tokens import lines
from tests.services.invoicing.prepaid.test_strangers import change
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import Shop


def test_documents_show_what_tokens_had_cost_as_paid(shop: Shop) -> None:
    _, final = billed(shop)

    document = shop.read(assembly.read_invoice, final.id)

    shown = text.render_text(document)
    assert "120 TOKENS − 100 prepaid credit = 20 TOKENS × $0.02" in shown
    assert "prepaid credit = $1.00" in shown
    assert [one.split() for one in shown.splitlines() if "Prepaid credit" in one] == [
        ["Prepaid", "credit", "-$1.00"]
    ]
    assert b"<ram:TotalPrepaidAmount>1.00</ram:TotalPrepaidAmount>" in to_cii(document)
    assert b"<ram:DuePayableAmount>0.68</ram:DuePayableAmount>" in to_cii(document)


def test_a_line_explains_what_its_tokens_had_cost(shop: Shop) -> None:
    life, final = billed(with_signer(shop))
    [line, *_] = lines(life, final)

    steps = proofs.explain(shop.show_one(EXPLAINED_LINES, final.id, line_id=line.id)).steps

    assert [(one.name, one.output) for one in steps[-5:]] == [
        ("used", "120"),
        ("credit", "100"),
        ("pay_in_unit", "20"),
        ("overage", "0.4"),
        ("cost_share", "1.4"),
    ]


Document = dict[str, Any]


@pytest.fixture
def arguments(shop: Shop, tmp_path: Path) -> list[str]:
    """What the customer gets of a bill of 1.68."""
    shop = with_signer(shop)
    _, final = billed(shop)
    [receipt] = [one for one in receipts_of(shop) if one.invoice_id == final.id]
    return write_files(shop, receipt, tmp_path)


def test_the_strangers_script_agrees(arguments: Sequence[str]) -> None:
    code, said = run([*arguments])

    assert (code, said.split(": ")[1]) == (0, "1.68 USD\n")


def say_less(document: Document) -> None:
    """Somebody says that what was drawn had cost less, so that less is paid."""
    document["credits_after_tax"][0]["total"] = "-0.9"
    document["lines"][0]["total"] = "1.3"


def sell_dearer(document: Document) -> None:
    """The tokens were sold for more."""
    document["drawing"]["lots"][0]["cost"]["amount"] = "2"


def leave_less(document: Document) -> None:
    """Bills before had said more of the cost."""
    document["drawing"]["lots"][0]["cost"]["left"] = "0.5"


def pay_before_tax(document: Document) -> None:
    """What it cost would not be taxed."""
    document["credits"], document["credits_after_tax"] = document["credits_after_tax"], []


@pytest.mark.parametrize("edit", [say_less, leave_less, pay_before_tax])
def test_what_does_not_come_out_is_different_whoever_signed_it(
    arguments: list[str], edit: Callable[[Document], None]
) -> None:
    change(arguments, edit, signed=True)

    code, said = run(arguments)

    assert (code, said.startswith("different: ")) == (1, True), said


def test_whoever_changes_what_tokens_were_sold_for_is_found_by_the_signature(
    arguments: list[str],
) -> None:
    change(arguments, sell_dearer, signed=False)

    assert run(arguments)[0] == 1

"""The stranger's script decides again what prepaid credit pays, and names what was changed.

*Source: CONTRACT section 6, Proof for anybody; CREDITS I6.*
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.invoicing.receipts import digest
from tests.money.strangers import run, sign, write_files
from tests.services.invoicing.prepaid.test_signed_draws import life
from tests.services.lives import Life
from tests.services.receipts_of import receipts_of
from tests.services.shop import Shop

__all__ = ["life"]

Document = dict[str, Any]


@pytest.fixture
def arguments(shop: Shop, life: Life, tmp_path: Path) -> list[str]:
    """What the customer gets: 80 less a coupon of 8, of which credit pays 60."""
    [receipt, *_] = receipts_of(shop)
    return write_files(shop, receipt, tmp_path)


def change(arguments: list[str], edit: Callable[[Document], None], *, signed: bool) -> None:
    """The file says another thing; ``signed`` by somebody who means to deceive and has a key."""
    path = Path(arguments[0])
    document = json.loads(path.read_text())
    edit(document)
    if signed:
        key = Ed25519PrivateKey.generate()
        public = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
        said = {k: v for k, v in document["receipt"].items() if k not in ("digest", "signature")}
        parts = ("coupons", "credits", "credits_after_tax", "drawing")
        said |= {f"{name}_digest": digest(document[name]) for name in parts if name in document}
        document["receipt"] = sign({**said, "key_id": "k"}, key)
        Path(arguments[3]).write_text(json.dumps({"keys": [{"kid": "k", "x": public}]}))
    path.write_text(json.dumps(document))


def test_the_script_agrees(arguments: list[str]) -> None:
    assert run(arguments) == (0, "INV-2025-0001: 12 USD\n")


def take_more(document: Document) -> None:
    """The seller takes another 2 of the first grant."""
    document["credits"][0]["amount"] = "52"
    document["credits"][0]["total"] = "-52"


def use_earlier(document: Document) -> None:
    """All was used before the fifteenth, so that the grant which ended then pays it."""
    document["drawing"]["before_tax"][0]["segments"][0]["amount"] = "52"
    document["drawing"]["before_tax"][0]["segments"][1]["amount"] = "20"


def use_more(document: Document) -> None:
    """More is paid than the line came to after its coupon."""
    document["drawing"]["before_tax"][0]["segments"][1]["amount"] = "30"


def change_order(document: Document) -> None:
    """Another grant comes first, which was not alive, and none that was."""
    for lot in document["drawing"]["lots"]:
        lot["effective_at"] = "2025-01-15T00:00:00Z"
        lot.pop("expires_at", None)


def change_money(document: Document) -> None:
    """What is taken off is more than what the grant gives."""
    document["credits"][0]["total"] = "-51"


CHANGES = [
    (take_more, "grant "),
    (use_earlier, "grant "),
    (use_more, "line 1 was used for 80"),
    (change_order, "grant "),
    (change_money, "grant "),
]


@pytest.mark.parametrize(("edit", "said"), CHANGES)
def test_draws_that_do_not_come_out_are_different_whoever_signed_them(
    arguments: list[str], edit: Callable[[Document], None], said: str
) -> None:
    change(arguments, edit, signed=True)

    code, found = run(arguments)

    assert (code, found.startswith(f"different: {said}")) == (1, True), found


@pytest.mark.parametrize(
    ("edit", "part"), [(take_more, "credits"), (use_earlier, "drawing"), (change_money, "credits")]
)
def test_what_was_changed_after_it_was_signed_is_named(
    arguments: list[str], edit: Callable[[Document], None], part: str
) -> None:
    change(arguments, edit, signed=False)

    assert run(arguments) == (1, f"different: {part}\n")


def test_draws_cannot_be_left_out(arguments: list[str]) -> None:
    change(arguments, lambda document: document.pop("drawing"), signed=False)

    assert run(arguments) == (1, "different: drawing\n")

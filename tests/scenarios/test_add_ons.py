"""Seats beside a plan, from the first day to a bill that a stranger computes again."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.scenarios.account import Account
from tests.scenarios.seller import Seller

SCRIPT = Path(__file__).parents[2] / "docs" / "verify" / "verify.py"
SEATS = {"charge": {"unit_price": 31, "display_name": "Seats"}, "quantity": 3}


def lines(invoice: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (one["description"], one["quantity"], one["line_total"]) for one in invoice["line_items"]
    ]


def save(account: Account, invoice: dict[str, Any], folder: Path) -> None:
    """What a stranger has of an invoice."""
    key = account.get(f"/invoices/{invoice['id']}/receipt")["key_id"]
    for name, path in (
        ("receipt.json", f"/api/v1/invoices/{invoice['id']}/receipt.json"),
        ("events.ndjson", f"/api/v1/invoices/{invoice['id']}/events.ndjson"),
        # By its name: the list of all keys may be a minute old.
        ("keys.json", f"/.well-known/fluxrate-keys.json?key_id={key}"),
    ):
        answer = account.client.get(path)
        assert answer.status_code == 200, answer.text
        (folder / name).write_bytes(answer.content)


def recompute(folder: Path) -> tuple[int, str]:
    """What the stranger's script says of what it has."""
    files = ["receipt.json", "events.ndjson", "--keys", "keys.json"]
    words = [sys.executable, str(SCRIPT), *files]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_seats_come_and_go_and_every_bill_is_proved(account: Account, tmp_path: Path) -> None:
    seller = Seller(account)
    subscription = seller.subscribe()
    path = f"/subscriptions/{subscription['id']}/add-ons"
    seats = account.post(path, SEATS)
    its = f"{path}/{seats['id']}"
    coupon = {"code": "SEATS", "percent": 10, "scope": "lines", "charge_ids": [seats["id"]]}
    account.post("/coupons", coupon | {"duration": "forever"})
    account.post("/customers/acct_77/coupons", {"code": "SEATS"})
    seller.use(7, "2025-01-05T00:00:00Z")
    seller.advance("2025-01-11T09:00:00Z")
    account.patch(its, {"quantity": 5})
    seller.advance("2025-02-15T00:00:00Z")
    account.request("DELETE", its)
    seller.advance("2025-04-01T02:00:00Z")

    january, february, march = account.invoices(subscription)
    assert lines(january) == [
        ("API Calls", 7, Decimal(7)),
        ("Seats", 3, Decimal(30)),
        ("Seats", 5, Decimal(105)),
    ]
    assert (january["coupons_total"], january["total"]) == (Decimal("13.5"), Decimal("128.5"))
    assert lines(february)[1:] == [("Seats", 5, Decimal("77.5"))]
    assert lines(march) == [("API Calls", 0, 0)]
    assert "Seats (5 × $31.00, 14 of 28 days)" in account.text(february)
    for invoice in (january, february, march):
        assert account.post(f"/invoices/{invoice['id']}/verify")["result"] == "equal"
        save(account, invoice, tmp_path)
        code, said = recompute(tmp_path)
        assert code == 0, said


def test_a_stranger_finds_a_seat_too_many(account: Account, tmp_path: Path) -> None:
    seller = Seller(account)
    subscription = seller.subscribe()
    account.post(f"/subscriptions/{subscription['id']}/add-ons", SEATS)
    seller.advance("2025-02-01T02:00:00Z")
    [invoice] = account.invoices(subscription)
    save(account, invoice, tmp_path)
    code, said = recompute(tmp_path)
    assert code == 0, said

    receipt = tmp_path / "receipt.json"
    text = receipt.read_text()
    receipt.write_text(re.sub(r'("quantity": ?)"3"', r'\1"4"', text))
    code, said = recompute(tmp_path)

    assert receipt.read_text() != text
    assert (code, "comes to" in said) == (1, True), said

"""A charge that prices by properties of events: lines, corrections, proofs, and what is refused.

The charge is that of docs/concepts/pricing.md.
"""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.transport.exact_json import dump_json
from tests.scenarios.account import Account, Refused

SCRIPT = Path(__file__).parents[2] / "docs" / "verify" / "verify.py"

PRICES: list[dict[str, Any]] = [
    {"values": ["large", "eu"], "unit_price": Decimal("0.03")},
    {
        "values": ["small", "eu"],
        "pricing": {
            "model": "graduated",
            "tiers": [
                {"up_to": 100, "unit_price": Decimal("0.02")},
                {"up_to": None, "unit_price": Decimal("0.01")},
            ],
        },
    },
]


class Tokens:
    """A seller of tokens, priced by model and region, and one customer on a clock."""

    def __init__(self, account: Account, **terms: Any) -> None:
        self.account = account
        self.meter = account.create_meter("tokens", unit="tokens", property_name="tokens")
        self.plan = account.create_plan()
        self.charge = account.add_usage_charge(
            self.plan,
            self.meter["meter_id"],
            unit_price=Decimal("0.001"),
            group_by=["model", "region"],
            group_prices=PRICES,
            **terms,
        )
        self.clock = account.create_clock()
        self.customer = account.create_customer("acct_77", clock=self.clock)
        self.subscription = account.subscribe(self.customer, self.plan)

    def use(self, tokens: int, at: str, **properties: object) -> dict[str, Any]:
        event = self.account.event("tokens", "acct_77", 0, f"2025-{at}:00:00Z")
        event["properties"] = {"tokens": tokens, **properties}
        return dict(self.account.post("/usage", event))

    def use_all(self) -> None:
        self.account.advance(self.clock, "2025-01-20T00:00:00Z")
        self.use(100, "01-05T10", model="large", region="eu")
        self.use(150, "01-05T10", model="small", region="eu")
        self.use(1000, "01-06T10", model="large", region="us")
        self.use(2000, "01-07T10", model="large")

    def lines(self) -> list[tuple[Any, ...]]:
        [invoice] = self.account.invoices(self.subscription)
        return [
            (line["description"], line["quantity"], line["line_total"])
            for line in invoice["line_items"]
        ]


BILLED: list[tuple[Any, ...]] = [
    ("API Calls · large · eu", 100, Decimal("3.00")),
    ("API Calls · small · eu", 150, Decimal("2.50")),
    ("API Calls · other model · region", 1000, Decimal("1.00")),
    ("API Calls · no model · region", 2000, Decimal("2.00")),
]


def test_each_combination_of_values_is_a_line_of_its_own(account: Account) -> None:
    shop = Tokens(account)
    shop.use_all()

    preview = account.post(f"/subscriptions/{shop.subscription['id']}/preview-invoice")
    account.advance(shop.clock, "2025-02-01T02:00:00Z")

    assert shop.lines() == BILLED
    assert [one["line_total"] for one in preview["line_items"]] == [one[2] for one in BILLED]
    [invoice] = account.invoices(shop.subscription)
    assert [line["group"] for line in invoice["line_items"]] == [
        {"properties": ["model", "region"], "kind": "named", "values": ["large", "eu"]},
        {"properties": ["model", "region"], "kind": "named", "values": ["small", "eu"]},
        {"properties": ["model", "region"], "kind": "others", "values": []},
        {"properties": ["model", "region"], "kind": "missing", "values": []},
    ]
    assert "API Calls · large · eu (100 tokens × $0.03)" in account.get(
        f"/invoices/{invoice['id']}/text"
    )
    assert account.post(f"/invoices/{invoice['id']}/verify")["result"] == "equal"
    shown = account.get(f"/plans/{shop.plan['id']}")["charges"][0]
    assert shown["group_by"] == ["model", "region"]
    assert [one["values"] for one in shown["group_prices"]] == [one["values"] for one in PRICES]


def test_a_stranger_computes_the_same(account: Account, tmp_path: Path) -> None:
    shop = Tokens(account, included_units=120, maximum=Decimal(3), minimum=Decimal(1))
    shop.use_all()
    account.advance(shop.clock, "2025-02-01T02:00:00Z")
    [invoice] = account.invoices(shop.subscription)
    assert sum(one[2] for one in shop.lines()) == 3

    for name, path in (
        ("receipt.json", f"/invoices/{invoice['id']}/receipt.json"),
        ("events.ndjson", f"/invoices/{invoice['id']}/events.ndjson"),
    ):
        content = account.client.get(f"/api/v1{path}").content
        (tmp_path / name).write_bytes(content)
    keys = account.client.get("/.well-known/fluxrate-keys.json").content
    (tmp_path / "keys.json").write_bytes(keys)

    run = subprocess.run(
        [sys.executable, str(SCRIPT), "receipt.json", "events.ndjson", "--keys", "keys.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert ": 3 USD" in run.stdout


def test_late_voided_and_amended_events_correct_their_group(account: Account) -> None:
    shop = Tokens(account)
    shop.use_all()
    wrong = shop.use(50, "01-08T10", model="large", region="eu")
    more = shop.use(10, "01-08T10", model="small", region="eu")
    account.post(f"/usage/{wrong['id']}/void")
    account.post(f"/usage/{more['id']}/amend", {"quantity": 20})
    account.advance(shop.clock, "2025-02-01T02:00:00Z")
    assert shop.lines()[:2] == [BILLED[0], ("API Calls · small · eu", 170, Decimal("2.70"))]

    shop.use(200, "01-09T10", model="large", region="eu")
    account.advance(shop.clock, "2025-03-01T02:00:00Z")

    [january, february] = account.invoices(shop.subscription)
    [late] = [line for line in february["line_items"] if line["type"] == "late_usage"]
    assert late["line_total"] == 6
    assert account.post(f"/invoices/{january['id']}/verify")["result"] == "equal"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"group_by": ["model"]}, "group_prices"),
        ({"group_prices": PRICES}, "group_by"),
        ({"group_by": ["model"], "group_prices": PRICES}, "group_prices.0.values"),
        ({"group_by": ["a", "b"], "group_prices": [PRICES[0], PRICES[0]]}, "group_prices.1.values"),
        ({"group_by": ["a"], "group_prices": [{"values": ["x"]}]}, "group_prices.0.unit_price"),
    ],
)
def test_prices_that_cannot_be_told_apart_are_refused(
    account: Account, terms: dict[str, Any], field: str
) -> None:
    meter, plan = account.create_meter(), account.create_plan()

    with pytest.raises(Refused) as refused:
        account.post(
            f"/plans/{plan['id']}/charges",
            {"type": "USAGE", "meter_id": meter["meter_id"], "unit_price": 1, **terms},
        )

    assert refused.value.status == 422
    assert refused.value.body["errors"][0]["field"] == field
    assert dump_json(refused.value.body)


def test_no_event_makes_more_lines_than_the_charge_names(account: Account) -> None:
    shop = Tokens(account)
    account.advance(shop.clock, "2025-01-20T00:00:00Z")
    rows = [
        {
            "meter_name": "tokens",
            "customer_external_id": "acct_77",
            "timestamp": "2025-01-10T10:00:00Z",
            "properties": {"tokens": 1, "model": f"model-{n}", "region": "eu"},
        }
        for n in range(500)
    ]
    account.post("/usage/batch", rows)

    account.advance(shop.clock, "2025-02-01T02:00:00Z")

    assert shop.lines() == [("API Calls · other model · region", 500, Decimal("0.50"))]


def test_the_bills_of_an_erased_customer_come_out_again(account: Account) -> None:
    shop = Tokens(account)
    shop.use_all()
    shop.use(5, "01-08T10", model="ada@harbor.test", region="eu", name="Ada")
    account.post(
        f"/subscriptions/{shop.subscription['id']}/cancel", {"cancel_at_period_end": False}
    )
    account.advance(shop.clock, "2025-02-21T00:00:00Z")
    [invoice] = account.invoices(shop.subscription)
    events = f"/api/v1/invoices/{invoice['id']}/events.ndjson"
    before = account.client.get(events).text
    account.post(f"/invoices/{invoice['id']}/pay")

    account.post("/customers/acct_77/erase", {"confirm": "acct_77"})

    assert account.post(f"/invoices/{invoice['id']}/verify")["result"] == "equal"
    after = account.client.get(events).text
    assert "ada@harbor.test" in before
    assert "ada@harbor.test" not in after
    assert '"large"' in after
    assert after.count("(erased)") == 2

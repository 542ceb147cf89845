"""``fluxrate import``: exports of other billing systems, made once on the real product."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.scenarios.account import Account
from tests.scenarios.product import Product

EXPORTS = Path(__file__).with_name("exports")
STRIPE = ("stripe.json",)
STRIPE_TABLES = ("stripe_prices.csv", "stripe_customers.csv", "stripe_subscriptions.csv")
LAGO = tuple(f"lago_{kind}.json" for kind in ("billable_metrics", "plans", "customers"))
OPENMETER = ("openmeter.ndjson",)
NEXT_YEAR = datetime.now(UTC).year + 1
SECONDS = (4070908800, int(datetime(NEXT_YEAR, 1, 1, tzinfo=UTC).timestamp()))
"""The begin of 2099, and that of the next year, in seconds of Unix."""


@pytest.fixture
def account(product: Product) -> Iterator[Account]:
    """An organization with nothing in it."""
    signed_up = Account(product.url).sign_up()
    yield signed_up
    signed_up.client.close()


class Importing:
    """Runs the command with a key of the organization; the samples' periods still run."""

    def __init__(self, product: Product, account: Account, folder: Path) -> None:
        self._folder = folder
        scopes = ["billing.write", "usage.write"]
        key = account.post("/api-keys", {"name": "Import", "scopes": scopes})["key"]
        self._options = ("--api-url", product.url, "--api-key", key)

    def run(self, system: str, *names: str) -> Result:
        files = [str(self._renewed(name)) if "." in name else name for name in names]
        return CliRunner().invoke(app, ["import", system, *files, *self._options])

    def _renewed(self, name: str) -> Path:
        """The sample of an export, its years moved to where its periods have not ended."""
        text = (EXPORTS / name).read_text()
        for theirs, ours in (("2098", NEXT_YEAR - 1), ("2099", NEXT_YEAR), (*SECONDS,)):
            text = text.replace(str(theirs), str(ours))
        (self._folder / name).write_text(text)
        return self._folder / name


@pytest.fixture
def importing(product: Product, account: Account, tmp_path: Path) -> Importing:
    return Importing(product, account, tmp_path)


def figures(result: Result) -> dict[str, str]:
    lines = result.output.split(" skipped:")[0].splitlines()
    return dict(line.split(": ") for line in lines if ": " in line)


def skipped(result: Result) -> dict[str, str]:
    return dict(
        line.strip().split(": ", 1) for line in result.output.splitlines() if line.startswith("  ")
    )


def charges(account: Account, plan: str) -> dict[str, dict[str, Any]]:
    return {one["display_name"]: one for one in account.get(f"/plans/{plan}")["charges"]}


def test_objects_of_stripe_are_made_once(importing: Importing, account: Account) -> None:
    first = importing.run("stripe", *STRIPE)
    again = importing.run("stripe", *STRIPE)

    assert figures(first) == {
        "features": "1 made, 0 found",
        "plans": "2 made, 0 found",
        "charges": "3 made, 0 found",
        "customers": "1 made, 0 found",
        "subscriptions": "1 made, 0 found",
    }
    assert figures(again) == {
        "features": "0 made, 1 found",
        "plans": "0 made, 2 found",
        "charges": "0 made, 3 found",
        "customers": "0 made, 1 found",
        "subscriptions": "0 made, 1 found",
    }
    assert (
        skipped(first)
        == skipped(again)
        == {
            "price_once": "a one-time price: write an invoice for it when it is due",
            "cus_Harbor.balance": "grant it as credit by hand",
            "cus_Nobody": "the customer has no e-mail address",
            "sub_2": "it is canceled",
            "sub_3": "a quantity above 1: subscribe by hand, with an add-on of the rest",
        }
    )
    both = charges(account, "price_requests.team")
    assert both["Team"]["unit_price"] == 49
    assert both["Requests"]["pricing"]["tiers"] == [
        {"up_to": 1000, "unit_price": Decimal("0.002"), "flat_fee": 0},
        {"up_to": None, "unit_price": Decimal("0.001"), "flat_fee": 5},
    ]
    packs = charges(account, "price_yen")["Packs"]["pricing"]
    assert packs == {"model": "package", "package_size": 100, "unit_price": 500}
    customer = account.get("/customers/cus_Harbor")
    assert customer["billing_address_line1"] == "4 Quay St, Floor 2"
    [subscription] = account.get(f"/subscriptions?customer_id={customer['id']}")["data"]
    assert subscription["current_period_start"] == f"{NEXT_YEAR}-01-01T00:00:00Z"


def test_tables_of_stripe_are_made(importing: Importing, account: Account) -> None:
    result = importing.run("stripe", *STRIPE_TABLES)

    assert figures(result) == {
        "plans": "1 made, 0 found",
        "charges": "1 made, 0 found",
        "customers": "1 made, 0 found",
        "subscriptions": "1 made, 0 found",
    }
    assert list(skipped(result)) == ["price_setup"]
    assert result.exit_code == 1
    assert charges(account, "price_basic")["Basic"]["unit_price"] == Decimal("29.5")


def test_objects_of_lago_are_made_once(importing: Importing, account: Account) -> None:
    first = importing.run("lago", *LAGO, "lago_subscriptions.json")
    again = importing.run("lago", *LAGO, "lago_subscriptions.json")

    assert figures(first) == {
        "features": "2 made, 0 found",
        "plans": "2 made, 0 found",
        "charges": "4 made, 0 found",
        "customers": "1 made, 0 found",
        "subscriptions": "1 made, 0 found",
    }
    assert {text.split()[0] for text in figures(again).values()} == {"0"}
    assert skipped(first) == skipped(again)
    assert list(skipped(first)) == [
        "metric seats",
        "plan startup.seats",
        "plan startup.pay_in_advance",
        "subscription sub_old",
    ]
    startup = charges(account, "startup")
    assert startup["Startup plan"]["unit_price"] == 100
    assert startup["Storage"]["minimum"] == 5
    assert startup["Storage"]["pricing"]["tiers"][1] == {
        "up_to": None,
        "unit_price": Decimal("0.4"),
        "flat_fee": 1,
    }
    assert startup["Payments"]["included_units"] == 100
    assert startup["Payments"]["pricing"]["rate"] == Decimal("0.015")
    quarter = account.get("/plans/quarter")
    assert (quarter["billing_interval"], quarter["billing_interval_count"]) == ("month", 3)
    assert quarter["trial_days"] == 14
    [subscription] = account.get("/subscriptions")["data"]
    # Lago writes the last second of a day in Berlin as an instant of UTC: midnight there follows.
    assert subscription["timezone"] == "Europe/Berlin"
    assert subscription["current_period_start"] == f"{NEXT_YEAR}-01-14T23:00:00Z"


def test_objects_and_events_of_openmeter_are_made_once(
    importing: Importing, account: Account
) -> None:
    first = importing.run("openmeter", *OPENMETER)
    again = importing.run("openmeter", *OPENMETER)

    assert figures(first) == {
        "features": "3 made, 0 found",
        "plans": "1 made, 0 found",
        "charges": "2 made, 0 found",
        "plan features": "2 made, 0 found",
        "customers": "1 made, 0 found",
        "subscriptions": "1 made, 0 found",
        "events": "2 made, 0 found",
    }
    assert figures(again)["events"] == "0 made, 2 found"
    assert {text.split()[0] for text in figures(again).values()} == {"0"}
    assert list(skipped(first)) == [
        "feature gpt4",
        "plan pro.dyn",
        "subject stranger",
        "event e2",
    ]
    tokens = charges(account, "pro")["AI tokens"]
    assert tokens["included_units"] == 1000
    assert tokens["pricing"]["model"] == "volume"
    granted = {one["lookup_key"]: one for one in account.get("/plans/pro")["features"]}
    assert granted["tokens"]["usage_limit"] == 500000
    assert granted["sso"]["is_enabled"]
    month = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
    assert account.get("/meters/tokens_total/usage", params=month)["total_usage"] == 1500
    assert account.get("/meters/prompts/usage", params=month)["total_usage"] == 1


@pytest.mark.parametrize(
    ("system", "names"), [("stripe", STRIPE), ("lago", LAGO), ("openmeter", OPENMETER)]
)
def test_a_rehearsal_says_the_same_and_makes_nothing(
    importing: Importing, account: Account, system: str, names: tuple[str, ...]
) -> None:
    rehearsed = importing.run(system, *names, "--dry-run")

    assert "Nothing was changed." in rehearsed.output
    for path in ("/features", "/plans", "/customers", "/subscriptions", "/usage"):
        assert account.get(path)["data"] == []
    made = importing.run(system, *names)
    would = figures(rehearsed).items()
    assert figures(made) == {kind: text.replace("to be made", "made") for kind, text in would}
    assert skipped(made) == skipped(rehearsed)


def test_a_charge_that_was_changed_is_left_alone_and_reported(
    importing: Importing, account: Account
) -> None:
    importing.run("stripe", "stripe_prices.csv")
    [charge] = account.get("/plans/price_basic")["charges"]
    account.patch(f"/plans/price_basic/charges/{charge['id']}", {"status": "INACTIVE"})
    dearer = {"type": "FIXED", "unit_price": 35, "display_name": "Basic"}
    account.post("/plans/price_basic/charges", dearer)

    again = importing.run("stripe", "stripe_prices.csv")

    assert "another price" in skipped(again)[["price_basic", "Basic"][0]]
    assert len(account.get("/plans/price_basic")["charges"]) == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "[1]", "holds something that is no object"),
        ("a.json", "{", "cannot be read"),
        ("a.json", '{"object": "subscription", "id": "sub_1"}', "has no field 'status'"),
        ("a.csv", "Colour,Size\nred,1\n", "none of Stripe's"),
        ("a.json", '{"error": {"message": "Invalid key."}}', "an answer of an error, Invalid key."),
        ("a.json", '{"status": 401, "error": "Unauthorized"}', "of an error, Unauthorized."),
        (
            "a.json",
            '{"title": "Forbidden", "status": 403, "detail": "No scope."}',
            "a.json cannot be read: it is an answer of an error, No scope.",
        ),
    ],
)
def test_files_that_are_no_exports_are_refused(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)

    options = ("--api-url", "http://127.0.0.1:1", "--api-key", "none")
    result = CliRunner().invoke(app, ["import", "stripe", str(tmp_path / name), *options])

    assert result.exit_code == 1
    assert says in f"{result.exception}{result.output}"


def test_what_is_skipped_may_be_allowed(importing: Importing) -> None:
    result = importing.run("stripe", *STRIPE_TABLES, "--allow-skipped")

    assert list(skipped(result)) == ["price_setup"]
    assert result.exit_code == 0


def test_a_key_without_the_scope_is_told_which_it_needs(product: Product, account: Account) -> None:
    key = account.post("/api-keys", {"name": "Small", "scopes": ["usage.read"]})["key"]
    options = ("--api-url", product.url, "--api-key", key)

    result = CliRunner().invoke(app, ["import", "lago", str(EXPORTS / LAGO[0]), *options])

    assert "billing.write" in str(result.exception)

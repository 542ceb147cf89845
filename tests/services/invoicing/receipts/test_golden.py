"""Receipts that customers hold come out the same by today's code, and a change of one is told.

*Source: CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from billing.metering.tallies import Aggregation
from billing.pricing import MODELS
from cli.main import app
from services.invoicing.regressions import ReceiptFile, differences

GOLDEN = Path(__file__).parent / "golden"
SCRIPT = Path(__file__).parents[4] / "docs" / "verify" / "verify.py"
NAMES = sorted(path.name.removesuffix(".receipt.json") for path in GOLDEN.glob("*.receipt.json"))

Change = Callable[[dict[str, Any]], None]


def read(name: str) -> tuple[dict[str, Any], bytes]:
    document = json.loads((GOLDEN / f"{name}.receipt.json").read_text())
    return document, (GOLDEN / f"{name}.events.ndjson").read_bytes()


def verify(folder: Path, name: str) -> tuple[int, str]:
    files = [str(folder / f"{name}.{part}") for part in ("receipt.json", "events.ndjson")]
    keys = ["--keys", str(folder / f"{name}.keys.json")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *files, *keys], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def copied(name: str, folder: Path) -> dict[str, Any]:
    for part in ("receipt.json", "events.ndjson", "keys.json"):
        (folder / f"{name}.{part}").write_bytes((GOLDEN / f"{name}.{part}").read_bytes())
    return read(name)[0]


def test_every_price_model_and_aggregation_has_a_receipt() -> None:
    documents = [read(name)[0] for name in NAMES]
    charges = [charge for one in documents for charge in one["terms"]["charges"]]

    assert {charge["pricing"]["model"] for charge in charges} == set(MODELS)
    assert {charge["meter"]["aggregation"] for charge in charges} == set(Aggregation)


def test_what_is_agreed_beyond_prices_has_receipts() -> None:
    documents = [read(name)[0] for name in NAMES]
    types = {line["type"] for one in documents for line in one["lines"]}
    costs = [lot.get("cost") for one in documents for lot in one.get("drawing", {}).get("lots", ())]
    spans = [len(added["spans"]) for one in documents for added in one["inputs"].get("add_ons", ())]

    assert {"usage", "proration", "true_up", "invoiced_before"} <= types
    assert any(costs)
    assert spans == [2]


def test_the_command_finds_all_equal() -> None:
    done = CliRunner().invoke(app, ["regress", "--files", str(GOLDEN)])

    assert done.exit_code == 0, done.output
    assert f"{len(NAMES)} receipts" in done.output


def test_the_command_tells_a_difference(tmp_path: Path) -> None:
    document = copied("graduated", tmp_path)
    document["terms"]["charges"][0]["pricing"]["tiers"][0]["unit_price"] = "0.3"
    (tmp_path / "graduated.receipt.json").write_text(json.dumps(document))

    done = CliRunner().invoke(app, ["regress", "--files", str(tmp_path)])

    assert done.exit_code == 1
    assert "terms_digest is" in done.output
    assert "line 1: line_total was 7.29, and comes out as 8.29" in done.output


@pytest.mark.parametrize("name", NAMES)
def test_the_strangers_script_agrees(name: str) -> None:
    document, _ = read(name)

    said = f"{document['receipt']['invoice_number']}: {document['receipt']['total']} USD\n"
    assert verify(GOLDEN, name) == (0, said)


def change_total(document: dict[str, Any]) -> None:
    document["receipt"]["total"] = "1"


def change_price(document: dict[str, Any]) -> None:
    document["terms"]["charges"][0]["pricing"]["unit_price"] = "0.2"


def change_line(document: dict[str, Any]) -> None:
    document["lines"][0]["total"] = "1"


def change_tax(document: dict[str, Any]) -> None:
    document["taxes"][0]["percentage"] = "19"


def change_signature(document: dict[str, Any]) -> None:
    document["receipt"]["signature"] = "A" * 86


@pytest.mark.parametrize(
    "change", [change_total, change_price, change_line, change_tax, change_signature]
)
def test_the_strangers_script_tells_a_change(tmp_path: Path, change: Change) -> None:
    document = copied("per_unit", tmp_path)
    change(document)
    (tmp_path / "per_unit.receipt.json").write_text(json.dumps(document))

    code, said = verify(tmp_path, "per_unit")

    assert (code, said.split(":")[0]) == (1, "different")


def test_the_strangers_script_misses_an_event(tmp_path: Path) -> None:
    copied("per_unit", tmp_path)
    path = tmp_path / "per_unit.events.ndjson"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))

    code, said = verify(tmp_path, "per_unit")

    assert (code, said) == (1, "different: API Calls: 37/2\n")


def test_the_strangers_script_cannot_use_just_anything(tmp_path: Path) -> None:
    copied("per_unit", tmp_path)
    (tmp_path / "per_unit.keys.json").write_text('{"keys":[]}')

    code, said = verify(tmp_path, "per_unit")

    assert (code, said.split(":")[0]) == (2, "unusable")
    assert verify(tmp_path, "nothing")[0] == 2


def test_the_strangers_script_cannot_use_a_receipt_that_nobody_signed(tmp_path: Path) -> None:
    document = copied("per_unit", tmp_path)
    document["receipt"] |= {"digest": None, "signature": None}
    (tmp_path / "per_unit.receipt.json").write_text(json.dumps(document))

    code, said = verify(tmp_path, "per_unit")

    assert (code, said.split(":")[0]) == (2, "unusable")


def test_a_file_tells_what_is_different() -> None:
    document, events = read("volume")
    file = ReceiptFile.parse(json.dumps(document).encode(), events.split(b"\n", 1)[1])

    assert [one.split()[0] for one in differences(file)] == ["usage"]

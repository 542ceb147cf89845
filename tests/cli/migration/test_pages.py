"""Exports of which pages are missing: it is told, since what is on them is not made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.migration.pages import missing_pages
from tests.scenarios.account import Account
from tests.scenarios.product import Product


def stripe_page(*, goes_on: bool) -> dict[str, Any]:
    """A page of a list of Stripe's."""
    elements = [{"object": "product", "id": "prod_1", "name": "Calls"}]
    return {"object": "list", "url": "/v1/products", "has_more": goes_on, "data": elements}


def lago_page(number: int, of: int, kind: str = "customers") -> dict[str, Any]:
    """A page of a list of Lago's, with nothing on it."""
    meta = {"current_page": number, "next_page": None, "total_pages": of}
    return {kind: [], "meta": meta}


def written(folder: Path, pages: list[dict[str, Any]]) -> list[Path]:
    files = [folder / f"{number}.json" for number in range(len(pages))]
    for file, page in zip(files, pages, strict=True):
        file.write_text(json.dumps(page))
    return files


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ([stripe_page(goes_on=True)], {"0.json": "has_more is true"}),
        ([stripe_page(goes_on=True), stripe_page(goes_on=False)], {}),
        ([lago_page(1, 3), lago_page(3, 3)], {"1.json": "of 3 pages these are missing: 2"}),
        ([lago_page(2, 2), lago_page(1, 2)], {}),
        ([lago_page(1, 2), lago_page(2, 2, "plans")], {"0.json": "missing: 2", "1.json": "g: 1"}),
        ([lago_page(1, 0)], {}),
        ([{"items": [{}, {}], "totalCount": 5}], {"0.json": "of 5 elements 2 are here"}),
        ([{"items": [{}], "totalCount": 2}, {"items": [{}], "totalCount": 2}], {}),
        ([{"data": []}, {"items": []}], {}),
    ],
)
def test_list_without_its_other_pages_is_told(
    tmp_path: Path, pages: list[dict[str, Any]], told: dict[str, str]
) -> None:
    found = dict(missing_pages(written(tmp_path, pages)))

    assert found.keys() == told.keys()
    assert all(part in found[name] for name, part in told.items())


def test_tables_and_lines_say_nothing_of_pages(tmp_path: Path) -> None:
    lines, table = tmp_path / "a.ndjson", tmp_path / "a.csv"
    lines.write_text(json.dumps(stripe_page(goes_on=True)))
    table.write_text("id,Name\nprod_1,Calls\n")

    assert missing_pages([lines, table]) == []


def test_import_ends_by_what_is_missing(product: Product, tmp_path: Path) -> None:
    account = Account(product.url).sign_up()
    key = account.post("/api-keys", {"name": "Import", "scopes": ["billing.write"]})["key"]
    [file] = written(tmp_path, [stripe_page(goes_on=True)])
    options = ("--api-url", product.url, "--api-key", key)

    result = CliRunner().invoke(app, ["import", "stripe", str(file), *options])
    account.client.close()

    assert result.exit_code == 1
    assert "1 skipped:" in result.output
    assert "0.json: has_more is true" in result.output

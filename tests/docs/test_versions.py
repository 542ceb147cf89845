"""One version: that of the package is that of the changelog, of both clients and the chart."""

from __future__ import annotations

import json
import re
import tomllib

from tests.docs.pages import DOCS

ROOT = DOCS.parent
FIRST_TOLD = 34
"""Those who ran the product before its first version had all that is older."""
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_changelog_tells_the_version_with_its_day_below_what_comes() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d", headings[1])


def test_the_changelog_tells_what_each_migration_does_to_those_who_upgrade() -> None:
    migrations = {int(path.name[:4]) for path in (ROOT / "migrations/versions").glob("0*.py")}
    changes = (ROOT / "CHANGELOG.md").read_text()
    notes = " ".join(re.findall(r"^### Upgrading$(.+?)^###? ", changes, re.MULTILINE | re.DOTALL))
    told = {int(number) for number in re.findall(r"\b(0\d{3})\b", notes)}
    for first, last in re.findall(r"\b(0\d{3}) to (0\d{3})\b", notes):
        told |= set(range(int(first), int(last) + 1))

    assert sorted(number for number in migrations - told if number >= FIRST_TOLD) == []


def test_the_page_on_versions_names_it() -> None:
    page = (DOCS / "reference" / "versions.md").read_text()

    assert f"The newest version is {VERSION}." in page


def test_clients_and_chart_have_the_same_version() -> None:
    python = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    typescript = json.loads((ROOT / "clients/typescript/package.json").read_text())
    chart = (ROOT / "deploy/helm/fluxrate/Chart.yaml").read_text()

    assert python["version"] == typescript["version"] == VERSION
    assert re.search(rf'^appVersion: "?{re.escape(VERSION)}"?$', chart, re.MULTILINE)

"""The demo tells the product's main story and its numbers come out exactly."""

from __future__ import annotations

from pathlib import Path

from cli.local.instance import Instance
from tests.cli.running import fluxrate


def test_demo_prints_both_invoices_and_leaves_nothing_running(tmp_path: Path) -> None:
    result = fluxrate("demo", "--data-dir", str(tmp_path))

    assert result.returncode == 0, result.stdout + result.stderr
    assert "API Calls (82,450 calls × $0.001)" in result.stdout
    assert "$82.45" in result.stdout
    assert "API Calls (15,000 calls, graduated)" in result.stdout
    assert "$13.50" in result.stdout
    assert result.stdout.count("Status: OPEN") == 2
    assert "82450/82450" in result.stdout
    assert Instance(tmp_path).running() == {}


def test_demo_deletes_nothing_that_it_did_not_make(tmp_path: Path) -> None:
    treasure = tmp_path / "postgres"
    treasure.mkdir()

    result = fluxrate("demo", "--data-dir", str(tmp_path))

    assert result.returncode == 1
    assert "was not made by a demo" in result.stderr
    assert treasure.exists()

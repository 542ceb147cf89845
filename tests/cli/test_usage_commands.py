"""``fluxrate usage``, run as an operator runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.running import fluxrate
from tests.scenarios.account import Account
from tests.scenarios.product import Product
from tests.servers import superuser_url


@pytest.fixture
def account(product: Product) -> Iterator[Account]:
    """An organization with a meter."""
    signed_up = Account(product.url).sign_up()
    signed_up.create_meter("api_calls")
    yield signed_up
    signed_up.client.close()


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "meter_name": "api_calls",
            "customer_external_id": f"acct_{number % 3}",
            "quantity": "0.5",
            "timestamp": f"2026-01-{number % 28 + 1:02}T00:00:00Z",
        }
        for number in range(count)
    ]


def test_verify_finds_what_rebuild_corrects(account: Account, module_database_url: str) -> None:
    account.post("/usage/batch", rows(50))
    organization = account.organization["id"]
    words = ("--organization", organization)
    database = {"DATABASE_URL": module_database_url}

    equal = fluxrate("usage", "verify", *words, **database)
    assert equal.returncode == 0, equal.stderr
    assert "of 50 events are equal to the last digit" in equal.stdout

    with psycopg.connect(superuser_url(module_database_url)) as connection:
        spoiled = connection.execute(
            "UPDATE usage_rollup SET total = total + 0.00000001 WHERE organization_id = %s"
            " AND hour = '2026-01-01T00:00:00Z'",
            [organization],
        )
        assert spoiled.rowcount > 0
    differing = fluxrate("usage", "verify", *words, **database)
    assert differing.returncode == 1
    assert "2026-01-01T00:00:00+00:00" in differing.stdout
    assert "fluxrate usage rebuild" in differing.stdout

    rebuilt = fluxrate("usage", "rebuild", *words, **database)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "roll-ups written" in rebuilt.stdout
    assert fluxrate("usage", "verify", **database).returncode == 0


def test_an_unknown_organization_is_refused(module_database_url: str) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"

    result = fluxrate(
        "usage", "verify", "--organization", unknown, DATABASE_URL=module_database_url
    )

    assert result.returncode == 1
    assert f"There is no organization {unknown}" in result.stderr


def test_without_a_database_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    result = fluxrate("usage", "verify", "--data-dir", str(tmp_path))

    assert result.returncode == 1
    assert "fluxrate up" in result.stderr

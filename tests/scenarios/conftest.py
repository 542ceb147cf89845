"""A running product per module, and organizations of their own for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """API and worker on the real PostgreSQL and the real Temporal server."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()


@pytest.fixture
def sign_up(product: Product) -> Iterator[Callable[..., Account]]:
    """Makes organizations."""
    accounts: list[Account] = []

    def make(name: str = "Lumen Works") -> Account:
        account = Account(product.url).sign_up(name)
        accounts.append(account)
        return account

    yield make
    for account in accounts:
        account.client.close()


@pytest.fixture
def account(sign_up: Callable[..., Account]) -> Account:
    """A fresh organization."""
    return sign_up()

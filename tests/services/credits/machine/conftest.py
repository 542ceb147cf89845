"""A database in which thousands of wallets begin as copies of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from repositories.transactions import Transactions
from tests.money.copies import Copier
from tests.prepared import create_prepared_engine
from tests.services.credits.machine.wallet_life import WalletLife


@pytest.fixture(scope="module")
def begin_wallet(module_database_url: str) -> Iterator[Callable[[], WalletLife]]:
    """Gives a customer of their own, without credit, at the begin of their first period."""
    engine = create_prepared_engine(module_database_url)
    transactions = Transactions(engine)
    copier = Copier(transactions)
    template = WalletLife(transactions)

    def begin() -> WalletLife:
        return template.copied(copier.copy(template.shop.organization_id))

    yield begin
    copier.close()
    engine.dispose()

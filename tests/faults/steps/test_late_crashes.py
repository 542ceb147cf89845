"""A worker dies, or an answer is lost, while late usage is settled or credit is given back.

Every variant is a subscription of its own whose workflow waits on a queue of its own, as in the
crash matrix; all of a kind must end with the same documents, none doubled and none missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.faults.steps.crash_lives import Variant, Workers, create_plan, let_workers_die
from tests.faults.steps.crashes import Moment, lose_the_connection
from tests.faults.steps.late_lives import (
    ENDED,
    LIVE,
    Kind,
    check_corrected,
    late_crashes,
    make_corrected,
)
from tests.faults.steps.test_crash_matrix import product, workers
from tests.scenarios.account import Account
from tests.scenarios.product import Product

__all__ = ["product", "workers"]

IS_CHAOS = "FLUXRATE_CHAOS" in os.environ


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """For workflows that nothing happens to."""
    engine = create_application_engine(module_database_url, pool_size=2)
    yield Transactions(engine)
    engine.dispose()


class Seller:
    """One organization, its customers' lives, and what will happen to their workers."""

    def __init__(self, product: Product, transactions: Transactions, kind: Kind) -> None:
        self.kind, self._transactions = kind, transactions
        self.account = Account(product.url).sign_up()
        self.account.patch("/organization", {"late_usage": kind.policy})
        self._plan = create_plan(self.account)
        self.undisturbed = [make_corrected(self.account, transactions, self._plan, kind, "calm")]
        self.killed = self._make("killed", kind.killed_at)
        self.unanswered = self._make("answer lost", kind.unanswered_at)

    @property
    def all(self) -> list[Variant]:
        return [*self.undisturbed, *self.killed, *self.unanswered]

    def _make(self, harm: str, moments: tuple[Moment, ...]) -> list[Variant]:
        return [
            make_corrected(
                self.account,
                self._transactions,
                self._plan,
                self.kind,
                f"{harm} {crash.moment} {crash.step}",
                crash,
            )
            for crash in late_crashes(self.kind, moments, is_chaos=IS_CHAOS)
        ]


def test_every_crash_while_late_usage_is_settled_leaves_the_documents_of_a_calm_life(
    product: Product, workers: Workers, transactions: Transactions
) -> None:
    sellers = [Seller(product, transactions, kind) for kind in (ENDED, LIVE)]
    killed = [variant for seller in sellers for variant in seller.killed]
    unanswered = [variant for seller in sellers for variant in seller.unanswered]

    def wake() -> None:
        for seller in sellers:
            workers.wake_all(seller.account, seller.all)

    let_workers_die(killed, workers.settings, wake)
    workers.serve([*killed, *(one for seller in sellers for one in seller.undisturbed)])
    workers.serve(unanswered, harm=lose_the_connection)

    for seller in sellers:
        check_corrected(seller.account, seller.kind, seller.all)
    assert workers.struck == len(unanswered)

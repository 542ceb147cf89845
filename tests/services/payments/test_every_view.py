"""One customer's money is the same sum wherever it is shown."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Final

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from billing.books.formats import JournalFormat
from billing.money import ZERO
from repositories.books.statement import Balance
from repositories.transactions import Transactions
from services.accounts.credentials import WidgetClaims
from services.books.receivables import read_receivables
from services.books.statement import read_statement
from services.portal.account import read_account
from tests.services.books.ledgers import read_csv, write
from tests.services.payments.adding_up import Machine

HISTORIES: Final = int(os.environ.get("FLUXRATE_MONEY_HISTORIES", "4"))


class Views(Machine):
    """At the end of a history: the account, the report, the portal and the journal."""

    def teardown(self) -> None:
        """All of them say the same."""
        organization_id = self.shop.organization_id
        with self.session() as session:
            statement = read_statement(session, organization_id, self.customer_id, limit=100)
            report = read_receivables(session, organization_id, now=self.now, offset=0, limit=10)
            claims = WidgetClaims(organization_id=organization_id, customer_id=self.customer_id)
            portal = read_account(session, claims, invoice_page=1, now=self.now)
        journal = {
            account: amount
            for (account, _), amount in read_csv(
                write(self.transactions, organization_id, JournalFormat.CSV)
            ).items()
        }
        nothing = Balance("USD", ZERO, ZERO, ZERO, ZERO)
        [(_, credit, due, lost, owed)] = statement.balances or [nothing]
        assert statement.postings[0].facts.balance == credit if statement.postings else not credit
        assert credit == -journal.get("Liabilities:CustomerCredit", ZERO) == self.model.credit
        assert owed == self.model.owed
        assert due + owed == sum((one.total for one in report.totals), ZERO)
        assert due + owed == sum((one.aged.total for one in report.customers), ZERO)
        seen = {True: ZERO, False: ZERO}
        for one in portal.invoices:
            seen[one.status == "UNCOLLECTIBLE"] += one.amount_due if one.status != "VOID" else ZERO
        assert (seen[False], seen[True] + self.model.given_up) == (due, lost)
        assert journal.get("Expenses:BadDebt", ZERO) == lost
        owed_back = sum(one.owed_back for one in self.model.invoices if one.status != "VOID")
        assert journal.get("Assets:Receivable", ZERO) == due - Decimal(owed_back)
        assert journal.get("Assets:Receivable:SpentCredit", ZERO) == owed
        assert sum(journal.values()) == ZERO


def test_every_view_of_a_history_says_the_same_sums(transactions: Transactions) -> None:
    Views.transactions = transactions
    run_state_machine_as_test(
        Views,
        settings=settings(
            max_examples=HISTORIES, stateful_step_count=25, deadline=None, derandomize=True
        ),
    )

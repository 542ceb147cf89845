"""Where that comes from what stands on a customer's account: sides that sum to zero."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from billing.books.chart import PostingKind
from billing.invoicing.invoices import InvoiceStatus
from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from tests.services.payments.naive_account import NaiveAccount

OTHER_SIDE = {
    PostingKind.GRANTED: "documents",
    PostingKind.RETURNED: "documents",
    PostingKind.PAID: "cash",
    PostingKind.REFUNDED: "cash",
    PostingKind.REFUND_FAILED: "cash",
    PostingKind.APPLIED: "receivable",
    PostingKind.UNAPPLIED: "receivable",
    PostingKind.WRITTEN_OFF: "bad debt",
    PostingKind.RESTORED: "bad debt",
    PostingKind.RECOVERED: "bad debt",
    PostingKind.OWED: "spent credit",
    PostingKind.SETTLED: "spent credit",
}
"""Where that is taken from what a posting puts on the account."""


def check_sides(
    model: NaiveAccount, rows: Sequence[Invoice], postings: Sequence[AccountPosting]
) -> None:
    """Accounts that sum to zero, and together say what the customer owes."""
    sides: dict[str, Decimal] = defaultdict(Decimal)
    for one in postings:
        sides[OTHER_SIDE[PostingKind(one.kind)]] += one.amount
    invoices = model.invoices
    money = [p for one in invoices for p in one.payments if not p.is_pending]
    assert sides["cash"] == sum(one.amount - one.sent_back - one.excess for one in money)
    written_off = [one for one in invoices if one.status == "UNCOLLECTIBLE"]
    assert sides["bad debt"] == sum(one.due for one in written_off) + model.given_up
    # What was billed, less what notes gave back, less what payments and write-offs took of it.
    standing = [one for one in rows if one.status != InvoiceStatus.VOID]
    notes = sum(one.given for one in invoices if one.status != "VOID")
    receivable = sum(one.total for one in standing) - notes + sides["receivable"]
    due = sum(one.due for one in invoices if one.status != "UNCOLLECTIBLE")
    owed_back = sum(one.owed_back for one in invoices if one.status != "VOID")
    assert receivable == due - owed_back
    assert sides["spent credit"] == model.owed
    owed = receivable + sides["bad debt"] - sum(one.amount for one in postings)
    owed += sides["spent credit"]
    assert owed == model.owed_in_all


def check_journal(model: NaiveAccount, balances: Mapping[str, Decimal]) -> None:
    """The accounts of a journal say what the customer has, owes, and was given up."""
    found = defaultdict(Decimal, balances)
    standing = [one for one in model.invoices if one.status != "VOID"]
    written_off = sum(one.due for one in model.invoices if one.status == "UNCOLLECTIBLE")
    credit, spent = found["Liabilities:CustomerCredit"], found["Assets:Receivable:SpentCredit"]
    owed = found["Assets:Receivable"] + spent + found["Expenses:BadDebt"] + credit
    assert found["Expenses:BadDebt"] == written_off + model.given_up
    assert spent == model.owed
    assert found["Income:Revenue:Untaxed"] == sum(one.given - one.billed for one in standing)
    assert (credit, owed) == (-model.credit, model.owed_in_all)

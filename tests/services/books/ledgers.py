"""Journals read by other programs than ours: beancount itself, and hledger's rules in few lines."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from uuid import UUID

from beancount import loader
from beancount.core import data

from billing.books.formats import JournalFormat, JournalWriter
from repositories.transactions import Transactions
from services.books import journal
from services.books.journal import JournalRange

Balances = dict[tuple[str, str], Decimal]
"""By account and currency; accounts of nothing are left out."""

HEAD = re.compile(r"^(?P<on>\d{4}-\d\d-\d\d) \* (?P<words>[^;\n]+)$")
LEG = re.compile(
    r"^    (?P<account>[A-Z][A-Za-z0-9:-]+)  (?P<amount>-?[0-9.]+) (?P<code>[A-Z]{3})$"
)
COMMENT = re.compile(r"^    ; [^\n]+$")


def write(
    transactions: Transactions,
    organization_id: UUID,
    language: JournalFormat,
    *days: date,
    limit: int = 7,
) -> str:
    """The journal, read in small pages, each in a transaction of its own."""
    writer = JournalWriter(language=language)
    parts = [writer.begin()]
    with transactions.for_organization(organization_id) as session:
        first, last = days or (None, None)
        whole = journal.find_range(session, organization_id, first, last)
    rest: JournalRange | None = whole
    while rest is not None:
        with transactions.for_organization(organization_id) as session:
            page = journal.read_page(session, organization_id, rest, limit=limit)
        parts.append(writer.write(page.entries))
        rest = page.rest
    return "".join(parts)


def read_beancount(text: str) -> Balances:
    """What beancount makes of it. Fails on whatever bean-check would say."""
    entries, errors, _ = loader.load_string(text)
    assert [error.message for error in errors] == []
    balances: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        for leg in entry.postings if isinstance(entry, data.Transaction) else ():
            assert leg.units is not None
            assert leg.units.number is not None
            balances[leg.account, leg.units.currency] += leg.units.number
    return {key: amount for key, amount in balances.items() if amount}


def read_hledger(text: str) -> Balances:
    """Balances by hledger's strict rules: accounts and currencies declared, legs that balance."""
    balances: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    declared = set(re.findall(r"^account (\S+)$", text, re.MULTILINE))
    commodities = set(re.findall(r"^commodity 1000\.0* ([A-Z]{3})$", text, re.MULTILINE))
    blocks = [one for one in text.split("\n\n") if one.strip()]
    assert blocks[0] == "decimal-mark ."
    for block in blocks[1:]:
        lines = [
            line for line in block.splitlines() if not line.startswith(("account ", "commodity "))
        ]
        assert HEAD.match(lines[0]), lines[0]
        legs = [LEG.match(line) for line in lines[1:] if not COMMENT.match(line)]
        assert all(legs), block
        found = [(leg["account"], leg["code"], Decimal(leg["amount"])) for leg in legs if leg]
        assert sum(amount for _, _, amount in found) == 0, block
        assert {account for account, _, _ in found} <= declared
        assert {code for _, code, _ in found} <= commodities
        for account, code, amount in found:
            balances[account, code] += amount
    return {key: amount for key, amount in balances.items() if amount}


def read_csv(text: str) -> Balances:
    """Balances of the table; each entry balances."""
    balances: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    entries: dict[str, Decimal] = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(text)):
        amount = Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
        balances[row["account"], row["currency"]] += amount
        entries[row["entry"]] += amount
    assert {*entries.values()} <= {0}
    return {key: amount for key, amount in balances.items() if amount}

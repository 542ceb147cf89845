"""Journals as text: what stands there, and that no name of a customer writes a line of its own."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.books.entries import Billed, Entry, bill
from billing.books.formats import COLUMNS, JournalFormat, JournalWriter
from tests.billing.books.matters import MATTER
from tests.billing.profiles import thorough


def entry(**given: str | None) -> Entry:
    """An invoice of 82.45, but for what is said of it."""
    matter = replace(MATTER, **given)  # type: ignore[arg-type]  # what a test says by name
    return bill(matter, Billed(total=Decimal("82.45")))


def test_beancount_opens_an_account_when_it_first_comes() -> None:
    writer = JournalWriter(JournalFormat.BEANCOUNT)

    first, second = writer.write([entry()]), writer.write([entry()])

    assert writer.begin() == 'option "title" "Fluxrate"\n\n'
    transaction = (
        '2025-02-01 * "Harbor Labs" "invoice INV-2025-0001"\n'
        '  entry: "invoice/1"\n'
        '  customer_id: "c-1"\n'
        "  Assets:Receivable  82.45 USD\n"
        "  Income:Revenue:Untaxed  -82.45 USD\n"
        "\n"
    )
    opened = "2025-02-01 open Assets:Receivable\n2025-02-01 open Income:Revenue:Untaxed\n"
    assert (first, second) == (opened + transaction, transaction)


def test_hledger_declares_a_currency_once_with_its_places() -> None:
    writer = JournalWriter(JournalFormat.HLEDGER)

    first, second = writer.write([entry()]), writer.write([entry()])
    yen = writer.write([entry(currency="JPY")])

    assert first.startswith("commodity 1000.00 USD\naccount Assets:Receivable\n")
    assert second == (
        "2025-02-01 * invoice INV-2025-0001 | Harbor Labs\n"
        "    ; entry:invoice/1, customer_id:c-1\n"
        "    Assets:Receivable  82.45 USD\n"
        "    Income:Revenue:Untaxed  -82.45 USD\n"
        "\n"
    )
    assert yen.startswith("commodity 1000. JPY\n2025-02-01")


def test_a_table_has_a_row_for_each_side() -> None:
    writer = JournalWriter(JournalFormat.CSV)

    rows = list(csv.reader(StringIO(writer.begin() + writer.write([entry(reference="PO 7")]))))

    matter = ["2025-02-01", "invoice/1", "invoice", "INV-2025-0001", "c-1", "Harbor Labs", "PO 7"]
    assert rows == [
        list(COLUMNS),
        [*matter, "Assets:Receivable", "82.45", "", "USD"],
        [*matter, "Income:Revenue:Untaxed", "", "82.45", "USD"],
    ]


@pytest.mark.parametrize("language", JournalFormat)
def test_an_entry_of_nothing_says_nothing(language: JournalFormat) -> None:
    nothing = bill(MATTER, Billed(total=Decimal(0)))

    assert JournalWriter(language).write([nothing]) == ""


@pytest.mark.parametrize(
    ("language", "line"),
    [
        (JournalFormat.BEANCOUNT, '  reference: "PO \\"7\\" \\\\"\n'),
        (JournalFormat.HLEDGER, '    ; reference:PO "7" \\\n'),
    ],
)
def test_a_reference_is_written_so_that_it_is_read_again(
    language: JournalFormat, line: str
) -> None:
    assert line in JournalWriter(language).write([entry(reference='PO "7" \\')])


HOSTILE = ("x\n2025-01-01 open Assets:Stolen\n", "x\r\n; y", "x\u2028y", '"', "\\", "=1+1", "a;b,c")


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("language", JournalFormat)
def test_no_name_writes_a_line_of_its_own(language: JournalFormat, words: str) -> None:
    plain = JournalWriter(language).write([entry(reference="plain")])
    hostile = JournalWriter(language).write([entry(customer=words, reference=words)])

    assert len(hostile.splitlines()) == len(plain.splitlines())
    assert ";" not in hostile.splitlines()[0] or language is JournalFormat.CSV


@thorough
@given(words=st.text(max_size=60))
def test_cells_come_back_as_one_row_whatever_somebody_is_called(words: str) -> None:
    written = JournalWriter(JournalFormat.CSV).write([entry(customer=words)])

    rows = list(csv.reader(StringIO(written)))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    assert all(row[5][:1] not in {"=", "+", "-", "@"} for row in rows)

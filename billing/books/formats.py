"""Journals as text: a table for spreadsheets, and the languages of beancount and hledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from billing.books.entries import Entry
from billing.money import find_currency
from billing.texts.tables import on_one_line, without_formula, write_row

COLUMNS: Final = (
    *("date", "entry", "kind", "documents", "customer_id", "customer", "reference"),
    *("account", "debit", "credit", "currency"),
)


class JournalFormat(StrEnum):
    """The languages that journals are written in."""

    CSV = "csv"
    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


@dataclass(slots=True)
class JournalWriter:
    """Writes entries in the order of their dates.

    Accounts and currencies are declared when they are first met.
    """

    language: JournalFormat
    opened: set[str] = field(default_factory=set)

    def begin(self) -> str:
        """What stands before all entries."""
        return _BEGIN[self.language]

    def write(self, entries: Sequence[Entry]) -> str:
        """The entries, in their order; one without legs says nothing."""
        write: Callable[[Entry], Iterator[str]] = {
            JournalFormat.CSV: _write_rows,
            JournalFormat.BEANCOUNT: self._write_beancount,
            JournalFormat.HLEDGER: self._write_hledger,
        }[self.language]
        return "".join(part for entry in entries if entry.legs for part in write(entry))

    def _write_beancount(self, entry: Entry) -> Iterator[str]:
        matter = entry.matter
        for account in self._opens(entry):
            yield f"{matter.on.isoformat()} open {account}\n"
        words = " ".join((matter.kind, *matter.documents))
        yield f"{matter.on.isoformat()} * {_quoted(matter.customer)} {_quoted(words)}\n"
        tags = {"entry": matter.key, "customer_id": matter.customer_id}
        if matter.reference is not None:
            tags["reference"] = matter.reference
        for name, value in tags.items():
            yield f"  {name}: {_quoted(value)}\n"
        for leg in entry.legs:
            yield f"  {leg.account}  {leg.amount:f} {matter.currency}\n"
        yield "\n"

    def _write_hledger(self, entry: Entry) -> Iterator[str]:
        matter = entry.matter
        if matter.currency not in self.opened:
            self.opened.add(matter.currency)
            zeros = "0" * find_currency(matter.currency).exponent
            yield f"commodity 1000.{zeros} {matter.currency}\n"
        for account in self._opens(entry):
            yield f"account {account}\n"
        words = " ".join((matter.kind, *matter.documents, "|", matter.customer))
        yield f"{matter.on.isoformat()} * {on_one_line(words).replace(';', ',')}\n"
        yield f"    ; entry:{matter.key}, customer_id:{matter.customer_id}\n"
        if matter.reference is not None:
            yield f"    ; reference:{on_one_line(matter.reference).replace(',', ' ')}\n"
        for leg in entry.legs:
            yield f"    {leg.account}  {leg.amount:f} {matter.currency}\n"
        yield "\n"

    def _opens(self, entry: Entry) -> list[str]:
        new = [leg.account for leg in entry.legs if leg.account not in self.opened]
        self.opened.update(new)
        return new


def _write_rows(entry: Entry) -> Iterator[str]:
    matter = entry.matter
    words = (
        *(matter.on.isoformat(), matter.key, matter.kind, " ".join(matter.documents)),
        *(matter.customer_id, matter.customer, matter.reference or ""),
    )
    for leg in entry.legs:
        amounts = (f"{leg.amount:f}", "") if leg.amount > 0 else ("", f"{-leg.amount:f}")
        yield write_row([*map(without_formula, words), leg.account, *amounts, matter.currency])


def _quoted(words: str) -> str:
    escaped = on_one_line(words).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_BEGIN: Final[Mapping[JournalFormat, str]] = {
    JournalFormat.CSV: write_row(COLUMNS),
    JournalFormat.BEANCOUNT: 'option "title" "Fluxrate"\n\n',
    JournalFormat.HLEDGER: "decimal-mark .\n\n",
}

"""Cells of tables: rows that are read back as they were, and none that a spreadsheet computes."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.texts.tables import on_one_line, without_formula, write_row
from tests.billing.profiles import supporting

STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        (["a", "b"], "a,b\r\n"),
        (["a,b", "c"], '"a,b",c\r\n'),
        (['say "hi"'], '"say ""hi"""\r\n'),
        (["a\nb"], '"a\nb"\r\n'),
        (["", ""], ",\r\n"),
        ([""], '""\r\n'),
        (["Жанна", "東京"], "Жанна,東京\r\n"),
    ],
)
def test_a_row_is_written_as_the_standard_says(cells: list[str], row: str) -> None:
    assert write_row(cells) == row


@pytest.mark.parametrize("start", STARTS)
def test_what_begins_like_a_formula_has_a_quote_before_it(start: str) -> None:
    assert without_formula(f"{start}1+1") == f"'{start}1+1"
    assert without_formula(f" \t{start}cmd") == f"'{start}cmd"
    assert without_formula(f"\r\n{start}cmd") == f"'{start}cmd"
    assert without_formula(f"a{start}1") == f"a{start}1"


@pytest.mark.parametrize("cell", ["", "a", "1", "1-2", "'=1", "(=1)", "a@b.test", "5 + 5"])
def test_every_other_cell_is_as_it_was(cell: str) -> None:
    assert without_formula(cell) == cell


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("a\nb", "a b"),
        ("a\r\nb", "a b"),
        ("a\x00b", "a b"),
        ("a\t\tb", "a b"),
        ("a\u2028b\u2029c\u0085d", "a b c d"),
        ("  a  b  ", "a  b"),
        ("\n\n", ""),
        ("a\x7f", "a"),
    ],
)
def test_words_stand_on_one_line(words: str, line: str) -> None:
    assert on_one_line(words) == line


@supporting
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_a_row_is_read_back_by_any_reader(cells: list[str]) -> None:
    plain = [on_one_line(one) for one in cells]

    assert list(csv.reader(io.StringIO(write_row(plain)))) == [plain]


@supporting
@given(st.text(max_size=20))
def test_no_cell_is_computed_and_none_has_two_lines(words: str) -> None:
    cell = without_formula(words)

    assert not cell.startswith(STARTS)
    assert len(cell.splitlines()) <= 1 or not set(cell) & set("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028")
    assert on_one_line(cell) == cell
    assert without_formula(cell) == cell

"""What a page says of an answer is a part of it, and a part that is not there is found."""

from __future__ import annotations

import pytest

from tests.docs.expectations import differences

ANSWER = """before
{"id": "7d1f", "total": 51.50, "lines": [{"n": 1}, {"n": 2}], "at": "2026-03-01T00:00:00Z"}
"""


@pytest.mark.parametrize(
    "expected",
    [
        '{"total": 51.5}',
        '{"id": "…", "at": "2026-…Z"}',
        '{"lines": [{"n": 1}, "…"]}',
        '{"lines": [{}, {"n": 2}]}',
    ],
)
def test_a_part_of_an_answer_is_as_the_page_says(expected: str) -> None:
    assert differences("json", expected, ANSWER) == []


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ('{"total": 51}', "answer.total is Decimal('51.50'), not Decimal('51')"),
        ('{"due": 1}', "answer.due is missing"),
        ('{"lines": [{"n": 1}]}', "answer.lines has 2 elements, not 1"),
        ('{"lines": [{"n": 1}, {"n": 3}]}', "answer.lines.1.n is Decimal('2'), not Decimal('3')"),
        ('{"at": "2025-…"}', "answer.at is '2026-03-01T00:00:00Z', not '2025-…'"),
    ],
)
def test_another_answer_is_told_by_its_place(expected: str, difference: str) -> None:
    assert differences("json", expected, ANSWER) == [difference]


@pytest.mark.parametrize(
    ("expected", "is_there"),
    [
        ("Total $5.00", True),
        ("Jobs …\nTotal    $5.00", True),
        ("Total $5.00\nJobs …", False),
        ("Total $5", False),
    ],
)
def test_lines_come_in_their_order_whatever_spaces_are_in_them(
    expected: str, is_there: bool
) -> None:
    output = "Invoice\n  Jobs (0 jobs)   $0.00\n  Total   $5.00\n"

    assert (differences("text", expected, output) == []) is is_there

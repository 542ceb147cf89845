"""Codes of units that software on both sides of an e-invoice knows."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.metering.unit_codes import ONE, UNIT_CODES, require_unit_code


@pytest.mark.parametrize(
    ("sent", "written"),
    [("E34", "E34"), ("kwh", "KWH"), (" hur ", "HUR"), ("c62", ONE), ("xpk", "XPK")],
)
def test_a_code_is_kept_as_the_lists_write_it(sent: str, written: str) -> None:
    assert require_unit_code(sent) == written


@pytest.mark.parametrize("sent", ["", "gigabyte", "E 34", "E34,KWH", "ＫＷＨ"])
def test_what_no_list_has_is_refused_with_two_that_they_have(sent: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_unit_code(sent)

    assert (refused.value.code, refused.value.field) == ("unknown_unit_code", "unit_code")
    assert refused.value.detail == (
        f"{sent!r} is no unit code of UN/ECE recommendation 20 or 21, such as E34 or KWH."
    )


def test_every_code_is_known_in_any_case_and_as_it_is_written() -> None:
    for code in UNIT_CODES:
        assert require_unit_code(code) == require_unit_code(f" {code.lower()}\n") == code
        assert code.isascii()
        assert 2 <= len(code) <= 3


@pytest.mark.parametrize(
    ("thing", "code"),
    [("pieces", "C62"), ("hours", "HUR"), ("minutes", "MIN"), ("seconds", "SEC"), ("days", "DAY"),
     ("months", "MON"), ("megabytes", "4L"), ("gigabytes", "E34"), ("terabytes", "E35"),
     ("kilowatt-hours", "KWH"), ("kilograms", "KGM"), ("litres", "LTR"), ("metres", "MTR"),
     ("packages", "XPK"), ("thousands", "MIL")],
)  # fmt: skip
def test_what_people_bill_most_has_its_code(thing: str, code: str) -> None:
    assert code in UNIT_CODES, thing


@pytest.mark.parametrize("code", ["XYU", "X9", "B0", "ABC", "0", "C623", "HR", "KG"])
def test_what_looks_like_a_code_and_is_none_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput):
        require_unit_code(code)

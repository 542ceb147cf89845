"""Codes of units that software on both sides of an e-invoice knows."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.metering.unit_codes import ONE, require_unit_code


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

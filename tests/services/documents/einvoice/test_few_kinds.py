"""A few kinds before the official rules: what the suite tries of those that take long."""

from __future__ import annotations

import pytest

from tests.services.documents.einvoice import test_schematron, test_xrechnung
from tests.services.documents.einvoice.test_schematron import test_cent_too_many_is_found

__all__ = ["test_cent_too_many_is_found"]

FEW = ("exclusive tax", "credit note with tax", "paid online")


@pytest.mark.parametrize("name", FEW)
def test_a_kind_keeps_the_rules_of_europe_and_of_germany(name: str) -> None:
    test_schematron.test_every_kind_keeps_every_rule(name)
    test_xrechnung.test_every_kind_keeps_every_rule(name)

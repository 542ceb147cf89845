"""Views that nobody looks at again are those that were looked at."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from api.schemas.described import unchecked
from api.schemas.invoicing.lines import InvoiceTaxView
from api.transport.exact_json import dump_json

SAID = {
    "tax_rate_id": UUID(int=7),
    "name": "VAT",
    "percentage": Decimal("19.0"),
    "inclusive": False,
    "taxable_amount": Decimal("100.00"),
    "amount": Decimal("19.00"),
}


def test_is_what_the_model_makes() -> None:
    made, checked = unchecked(InvoiceTaxView)(**SAID), InvoiceTaxView(**SAID)

    assert made == checked
    assert dump_json(made) == dump_json(checked)
    assert dict(made) == dict(checked)
    assert made.model_copy(update={"name": "GST"}).name == "GST"


def test_fields_stand_in_their_order_however_they_are_given() -> None:
    backwards = dict(reversed(SAID.items()))

    assert dump_json(unchecked(InvoiceTaxView)(**backwards)) == dump_json(InvoiceTaxView(**SAID))


@pytest.mark.parametrize("other", [{}, SAID | {"rate": 1}, SAID | {"amount": 1, "rate": 2}])
def test_other_fields_are_refused(other: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="tax_rate_id"):
        unchecked(InvoiceTaxView)(**other)

"""A customer with an invoice over 100 USD."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.payments.paying import issue
from tests.api.people import Person
from tests.api.sold import post


@pytest.fixture
def customer(owner: Person) -> dict[str, Any]:
    body = {"name": "Harbor", "email": "ap@harbor.test", "billing_address_country": "GB"}
    return post(owner, "/customers", body)


@pytest.fixture
def invoice(owner: Person, customer: dict[str, Any]) -> dict[str, Any]:
    """100 USD, due."""
    return issue(owner, customer)

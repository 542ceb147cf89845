"""The customer whose claims these tests look at."""

from __future__ import annotations

import pytest

from services import customers
from services.customers import CreateCustomer, CustomerDetails
from services.subscriptions import clocks
from tests.services.catalog.meter_claims.harbor import JANUARY, Harbor
from tests.services.shop import Shop


@pytest.fixture
def harbor(shop: Shop) -> Harbor:
    """A customer without a subscription."""
    clock = shop.do(clocks.create_clock, "harbor", JANUARY)
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = shop.do(
        customers.create_customer, CreateCustomer(details=details, test_clock_id=clock.id)
    )
    return Harbor(shop=shop, customer_id=customer.id, clock_id=clock.id)

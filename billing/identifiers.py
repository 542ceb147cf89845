"""Typed identifiers: all are UUIDs, and the type checker tells one kind from another."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", UUID)
CustomerId = NewType("CustomerId", UUID)
MeterId = NewType("MeterId", UUID)
FeatureId = NewType("FeatureId", UUID)
PlanId = NewType("PlanId", UUID)
ChargeId = NewType("ChargeId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)
InvoiceId = NewType("InvoiceId", UUID)
InvoiceLineId = NewType("InvoiceLineId", UUID)
TaxRateId = NewType("TaxRateId", UUID)

"""Typed identifiers: all are UUIDs, and the type checker tells one kind from another."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

MeterId = NewType("MeterId", UUID)
FeatureId = NewType("FeatureId", UUID)
PlanId = NewType("PlanId", UUID)
ChargeId = NewType("ChargeId", UUID)
TaxRateId = NewType("TaxRateId", UUID)

"""Units of credit, which charges are priced in too: so they are defined where both reach them."""

from __future__ import annotations

from billing.units import LARGEST_SCALE, Taxation, Unit, currency_unit

__all__ = ["LARGEST_SCALE", "Taxation", "Unit", "currency_unit"]

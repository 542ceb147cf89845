"""Coupons, and who has redeemed them."""

from models.discounts import coupons as coupons

"""Coupons, who has redeemed them, and what they take off invoices."""

from models.discounts import coupons as coupons
from models.discounts import invoice_coupons as invoice_coupons

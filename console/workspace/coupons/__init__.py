"""Coupons: made, shown, redeemed and withdrawn."""

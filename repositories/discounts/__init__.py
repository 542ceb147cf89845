"""Statements of coupons."""

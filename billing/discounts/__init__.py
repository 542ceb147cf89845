"""Coupons: what they take off the lines of a bill, before taxes and credit."""

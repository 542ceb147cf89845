"""Charges that are attached to one subscription, with a quantity that changes."""

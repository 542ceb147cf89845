"""Prices of a plan, tried before they are saved."""

"""Statements of prepaid credit."""

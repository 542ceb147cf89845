"""Prepaid credit on the wire."""

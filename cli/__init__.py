"""Operator commands (``fluxrate …``), and the composition root of the API."""

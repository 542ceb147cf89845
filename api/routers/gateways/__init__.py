"""Connections to gateways, and what gateways tell."""

"""Carrying on what transactions queued."""

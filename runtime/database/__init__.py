"""Connections to PostgreSQL, and the schema they find there."""

"""The application on a database, for its metrics."""

from tests.api.conftest import app, clock, context, security, shared_loop, transactions

__all__ = ["app", "clock", "context", "security", "shared_loop", "transactions"]

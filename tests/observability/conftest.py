"""The application on a database, for its metrics, and a running one to break."""

from tests.api.conftest import app, clock, context, security, shared_loop, transactions
from tests.observability.breaking import account, healthy, plan, watched

__all__ = [
    "account",
    "app",
    "clock",
    "context",
    "healthy",
    "plan",
    "security",
    "shared_loop",
    "transactions",
    "watched",
]

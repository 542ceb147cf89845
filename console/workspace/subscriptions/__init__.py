"""A subscription: what happened, what comes, and what it comes to so far."""

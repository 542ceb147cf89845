"""HTTP: a route parses, calls one thing, serialises."""

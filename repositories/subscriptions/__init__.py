"""Subscriptions, their periods and clocks, and what their agenda is made of."""

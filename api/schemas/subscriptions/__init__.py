"""Subscriptions, their actions and test clocks, as bodies and answers."""

"""Alerts on what is spent, used and left, and spending caps."""

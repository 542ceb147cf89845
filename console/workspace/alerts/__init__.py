"""Alerts and spending caps of customers."""

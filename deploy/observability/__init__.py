"""Prometheus rules, and dashboards as code."""

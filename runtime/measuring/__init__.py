"""What processes count for Prometheus, and where it is shown."""

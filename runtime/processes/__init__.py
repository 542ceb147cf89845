"""Several processes as one: how many, kept running, and ended together."""

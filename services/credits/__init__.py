"""Use cases of prepaid credit."""

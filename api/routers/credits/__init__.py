"""Routes of prepaid credit."""

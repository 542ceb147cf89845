"""Money in: what was paid, what it settled, what went back."""

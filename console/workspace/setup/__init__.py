"""From nothing to the first invoice: signing up, and five steps on a test clock."""

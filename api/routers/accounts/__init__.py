"""Who signs in, and what an organization sets for itself."""

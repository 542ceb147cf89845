"""The page at the host's root, for whoever arrives without knowing what this is."""

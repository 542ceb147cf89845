"""People, organizations, keys and sessions."""

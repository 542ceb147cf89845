"""Who belongs to an organization and how it bills: members, keys, settings, one's own account."""

"""Who may come in: people, organizations, keys and passwords."""

"""Usage written: events, identities, partitions, limits, marks of what they change."""

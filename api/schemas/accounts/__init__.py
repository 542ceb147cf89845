"""People, keys, settings and the audit log, as bodies and answers."""

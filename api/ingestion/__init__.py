"""The ingestion path: bytes to events, shared commits, answers after the commit."""

"""``fluxrate events import``: usage out of files."""

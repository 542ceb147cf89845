"""Usage read: spans, reports, events, roll-ups, corrections."""

"""Events in: read, identified, written, refused above limits."""

"""What a search finds, on the wire."""

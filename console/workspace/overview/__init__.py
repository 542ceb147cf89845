"""The overview: what a day begins with."""

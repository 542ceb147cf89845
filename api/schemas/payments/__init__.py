"""Money that comes in and goes back, as bodies and answers."""

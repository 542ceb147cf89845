"""What customers have subscribed to, and what can be asked of it."""

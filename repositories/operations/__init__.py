"""What contradicts the promises, and how far the work has come."""

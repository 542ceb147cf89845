"""What is booked, read from the facts."""

"""What is sold, as bodies and answers."""

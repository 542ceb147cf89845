"""What is told to others, and when."""

"""What a look at a bill reads, by two statements."""

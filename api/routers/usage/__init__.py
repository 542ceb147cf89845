"""What was used: reports, corrections, and what is not billed yet."""

"""What was written for one request, and is given to the next that would be told the same."""

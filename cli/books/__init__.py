"""What an organization has booked, as files."""

"""What stands on an invoice: its rows, its locks, its text."""

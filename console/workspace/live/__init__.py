"""What screens have where scripts run: each of it is a link or a form where none do."""

"""Meters: what each counted, and an event to try."""

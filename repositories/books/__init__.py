"""Statements that read what is booked."""

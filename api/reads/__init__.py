"""Reads that share connections, statements and answers."""

"""Connections of psycopg alone, on the event loop, and what is read through them."""

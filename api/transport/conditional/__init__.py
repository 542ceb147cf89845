"""Conditional requests: answers have tags, and edits may say which one they were made from."""

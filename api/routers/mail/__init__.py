"""Mails, and what they say."""

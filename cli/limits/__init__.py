"""Limits of an organization's own, set on the machine itself."""

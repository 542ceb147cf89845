"""The books of the sandbox gateway."""

"""Where links lead: to pages that read the token from behind the ``#``, which no server is sent."""

from __future__ import annotations


def join_link(public_url: str, token: str) -> str:
    """Where somebody accepts an invitation."""
    return f"{public_url.rstrip('/')}/join#{token}"


def reset_link(public_url: str, token: str) -> str:
    """Where somebody sets a new password."""
    return f"{public_url.rstrip('/')}/new-password#{token}"

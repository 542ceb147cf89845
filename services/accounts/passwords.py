"""Passwords that anybody would try first are refused, whatever letters they are made of."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from billing.errors import InvalidInput

FINGERPRINT_LENGTH = 16


def require_good_password(password: str, *, email: str) -> None:
    """Return if the password is neither common nor the email itself.

    Raises: InvalidInput ``common_password``.
    """
    folded = password.casefold()
    fingerprint = hashlib.sha256(folded.encode()).hexdigest()[:FINGERPRINT_LENGTH]
    if folded == email.casefold() or fingerprint in _common_fingerprints():
        raise InvalidInput(
            "This password is among the first that anybody tries; choose another.",
            code="common_password",
            field="password",
        )


@lru_cache(maxsize=1)
def _common_fingerprints() -> frozenset[str]:
    # The 5,000 most common passwords of eight characters or more in the list of zxcvbn (MIT
    # license), as the beginnings of their SHA-256.
    return frozenset((files("services.accounts") / "common_passwords.txt").read_text().split())

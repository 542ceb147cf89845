"""Passwords that anybody would try first are refused, whatever letters they are made of.

Source: NIST SP 800-63B section 3.1.1.2 and ASVS 5, 6.2: a length, a list of what is common, nothing
that repeats itself or counts, nothing made of the names at hand; no rule about kinds of letters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Final

from billing.errors import InvalidInput

FINGERPRINT_LENGTH: Final = 16
FEWEST_LETTERS: Final = 5
"""Fewer different characters are one key, pressed again."""

SHORTEST_WORD: Final = 4
"""A shorter name is in many words by chance."""

LEAST_OF_ONES_OWN: Final = 6
"""So much must be left of a password without the names in it."""

ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
SHORTEST_RUN: Final = 3
PRODUCT: Final = "fluxrate"


def require_good_password(
    password: str, *, email: str, organization_name: str = "", field: str = "password"
) -> None:
    """Return if the password is none that would be tried first for this account.

    Raises: InvalidInput ``common_password``.
    """
    folded = password.casefold()
    if _is_common(folded):
        why = "is among the first that anybody tries"
    elif _is_repetitive(folded):
        why = "repeats itself, or only counts"
    elif _is_made_of(folded, _names(email, organization_name)):
        why = "is made of names that anybody knows"
    else:
        return
    raise InvalidInput(f"This password {why}; choose another.", code="common_password", field=field)


def _is_common(folded: str) -> bool:
    """Whether it is in the list, as it is or without the digits and signs that people append."""
    stem = re.sub(r"[\W\d_]+$", "", folded)
    known = _common_fingerprints()
    return any(
        hashlib.sha256(one.encode()).hexdigest()[:FINGERPRINT_LENGTH] in known
        for one in (folded, stem)
    )


def _is_repetitive(folded: str) -> bool:
    """Whether it has few characters, is a shorter part again and again, or goes along a row."""
    if len(set(folded)) < FEWEST_LETTERS or folded in (folded + folded)[1:-1]:
        return True
    return sum(map(len, _without_runs(folded))) < FEWEST_LETTERS


def _without_runs(folded: str) -> Iterator[str]:
    """What is left of a text without pieces of the alphabet, the digits and a keyboard's rows."""
    at = 0
    while at < len(folded):
        run = max(_run_at(folded, at, row) for row in (*ROWS, *(row[::-1] for row in ROWS)))
        if run < SHORTEST_RUN:
            yield folded[at]
            run = 1
        at += run


def _run_at(folded: str, at: int, row: str) -> int:
    start = row.find(folded[at])
    if start < 0:
        return 0
    pairs = zip(folded[at:], row[start:], strict=False)
    return next(
        (length for length, (one, other) in enumerate(pairs) if one != other),
        min(len(folded) - at, len(row) - start),
    )


def _is_made_of(folded: str, names: set[str]) -> bool:
    """Whether little is left of it without the names."""
    left = folded
    for name in sorted(names, key=len, reverse=True):
        left = left.replace(name, "")
    return left != folded and len(left) < LEAST_OF_ONES_OWN


def _names(email: str, organization_name: str) -> set[str]:
    """The names at hand: the address and its parts, the organization in one word and in its own."""
    texts = (email.casefold(), organization_name.casefold(), PRODUCT)
    parts = {one for text in texts for one in re.split(r"[\W_]+", text)}
    whole = {re.sub(r"[\W_]+", "", text) for text in texts}
    return {one for one in (parts | whole | set(texts)) if len(one) >= SHORTEST_WORD}


@lru_cache(maxsize=1)
def _common_fingerprints() -> frozenset[str]:
    # The 5,000 most common passwords of eight characters or more in the list of zxcvbn (MIT
    # license), as the beginnings of their SHA-256.
    return frozenset((files("services.accounts") / "common_passwords.txt").read_text().split())

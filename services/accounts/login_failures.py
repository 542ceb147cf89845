"""How often logins of an account may fail (CONTRACT 64), without strangers locking it.

Whoever has logged in to an account from an address is known there for a while. From where it is
known, failures count by themselves; from everywhere else together. So a stranger's guesses keep
strangers out and nobody else, and all guesses stay bounded (decision 0054).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from billing.errors import TooManyRequests
from repositories.accounts import login_failures as stored_failures

ALLOWED_FAILURES: Final = 10
FAILURE_WINDOW: Final = timedelta(minutes=15)
FORGOTTEN_AT_ONCE: Final = 10
KNOWN_FOR: Final = timedelta(days=90)
MOST_KNOWN: Final = 20
"""From more addresses an account is not known; the one that was not used for longest goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who tries to log in to an account from where, by hashes that nobody reads names out of."""

    account_hash: str
    address_hash: str

    @classmethod
    def of(cls, digest: Callable[[str], str], email: str, network: str) -> Caller:
        """The caller, known or not, whether or not there is such an account."""
        account = f"account:{email.casefold()}"
        return cls(account_hash=digest(account), address_hash=digest(f"{account} from {network}"))


def reserve_attempt(session: Session, caller: Caller, *, now: datetime) -> str:
    """One more failure is on record, until the login succeeds; the hash that it counts under.

    Raises: TooManyRequests ``too_many_failures``.
    """
    # Guessing at random accounts leaves no more rows behind than a quarter of an hour makes.
    stored_failures.delete_forgotten_failures(session, now=now, at_most=FORGOTTEN_AT_ONCE)
    is_known = stored_failures.is_known_address(
        session, caller.account_hash, caller.address_hash, now=now
    )
    counted = caller.address_hash if is_known else caller.account_hash
    forget_at = now + FAILURE_WINDOW
    failures = stored_failures.lock_login_failures(session, counted, forget_at=forget_at)
    recent = [at for at in failures.failed_at if at > now - FAILURE_WINDOW]
    if len(recent) >= ALLOWED_FAILURES:
        wait = recent[-ALLOWED_FAILURES] + FAILURE_WINDOW - now
        raise TooManyRequests(
            "Too many failed logins of this account; wait before the next.",
            code="too_many_failures",
            retry_after_seconds=int(wait.total_seconds()) + 1,
        )
    stored_failures.save_login_failures(session, failures, [*recent, now], forget_at=forget_at)
    return counted


def know_address(
    session: Session, caller: Caller, *, counted: str | None = None, now: datetime
) -> None:
    """The account was logged in to: from here it is known, and this caller's failures are over."""
    stored_failures.delete_forgotten_addresses(session, now=now, at_most=FORGOTTEN_AT_ONCE)
    if counted is not None:
        stored_failures.delete_login_failures(session, [counted])
    stored_failures.remember_address(
        session, caller.account_hash, caller.address_hash, forget_at=now + KNOWN_FOR
    )
    stored_failures.forget_addresses(session, caller.account_hash, but=MOST_KNOWN)


def forgive(session: Session, caller: Caller) -> None:
    """Somebody proved in another way that the account is theirs: no failure counts any more.

    Nor is any address known any more: who knew the former password may have used it from there.
    """
    stored_failures.delete_login_failures(session, [caller.account_hash, caller.address_hash])
    stored_failures.forget_addresses(session, caller.account_hash, but=0)

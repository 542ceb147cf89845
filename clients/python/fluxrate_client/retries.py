"""When a request is tried again, and after how long."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fluxrate_client.errors import ApiError

_BUSY = frozenset((429, 502, 503, 504))
_RUNNING = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how patiently. A request carries the same Idempotency-Key each time.

    The pauses are twice as long each time, up to the longest, and by chance up to half of it
    shorter, so that many clients do not come back together. Where the API asks for a longer pause
    by Retry-After, it is that long; where that is more than ``longest_asked``, it is over.
    """

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 8.0
    longest_asked: float = 60.0

    def pause_after(self, attempt: int, failure: ApiError | None) -> float | None:
        """How many seconds to wait after the attempt, counted from 1; None if it was the last.

        ``failure`` is what was answered, or None where nothing was.
        """
        if attempt >= self.attempts or not (failure is None or _is_passing(failure)):
            return None
        longest = min(self.first_pause * 2 ** (attempt - 1), self.longest_pause)
        pause = longest * (1 - secrets.randbelow(501) / 1000)
        if failure is not None and failure.retry_after is not None:
            pause = max(pause, failure.retry_after)
        return None if pause > self.longest_asked else pause


def _is_passing(failure: ApiError) -> bool:
    return failure.status in _BUSY or failure.code == _RUNNING


NEVER = Retries(attempts=1)

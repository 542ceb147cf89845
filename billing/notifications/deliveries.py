"""What a try to deliver came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver answered, or why there is no answer."""

    response_code: int | None = None
    error: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has it: any answer of 200 to 299, and no other."""
        return self.response_code is not None and 200 <= self.response_code < 300

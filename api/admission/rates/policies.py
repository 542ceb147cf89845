"""The limits of an installation, whom they count, and what every answer says of them.

Requests are counted by the key or session that made them and by organization; events by
organization, each row of a batch (docs/decisions/0059).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from starlette.requests import HTTPConnection

from api.admission.rates.counts import Allowance, Counts, Taken
from billing.errors import TooManyRequests
from billing.quotas import Rate

WINDOW_SECONDS: Final = 60
POLICY_HEADER: Final = "RateLimit-Policy"
HEADER: Final = "RateLimit"
_POLICY_NAME: Final = POLICY_HEADER.lower().encode()
_NAME: Final = HEADER.lower().encode()
_LONGEST_NAME: Final = (1 << 62) - 1
"""Names are positive, and small enough for the places after them."""

_SEEN: Final = "rate_limits"
"""Where the state of a request has what it took."""

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How much each may do in a minute; 0 is as much as they like.

    ``replicas`` are the machines that share the requests: each allows its part.
    """

    per_key: int = 300_000
    per_organization: int = 600_000
    events_per_organization: int = 6_000_000
    replicas: int = 1

    def part_of(self, quota: int) -> Allowance | None:
        """What this machine allows of a limit, None if there is none."""
        if quota == 0:
            return None
        return Allowance(quota=max(1, quota // self.replicas), seconds=WINDOW_SECONDS)


class _Limit:
    """One limit: what answers call it, and what it says when it is over.

    ``salt`` tells its counts from those of others that count the same organizations.
    """

    __slots__ = ("allowance", "detail", "name", "policy", "salt")

    def __init__(self, name: str, salt: int, allowance: Allowance | None, detail: str) -> None:
        self.name = name
        self.salt = salt
        self.allowance = allowance
        self.detail = detail
        quota = 0 if allowance is None else allowance.quota
        self.policy = f'"{name}";q={quota};w={WINDOW_SECONDS}'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """The three limits that hold for an organization."""

    key: _Limit
    organization: _Limit
    events: _Limit

    @classmethod
    def of(cls, limits: RateLimits, own: Mapping[str, int]) -> Self:
        """Those of the installation, but where the organization has its own."""
        per_key = own.get(Rate.REQUESTS_PER_CALLER, limits.per_key)
        per_organization = own.get(Rate.REQUESTS, limits.per_organization)
        events = own.get(Rate.EVENTS, limits.events_per_organization)
        return cls(
            key=_Limit(
                "key",
                1,
                limits.part_of(per_key),
                "Too many requests with this key or session; repeat this one later.",
            ),
            organization=_Limit(
                "organization",
                2,
                limits.part_of(per_organization),
                "Too many requests of this organization; repeat this one later.",
            ),
            events=_Limit(
                "events",
                3,
                limits.part_of(events),
                "Too many events of this organization; send these again later.",
            ),
        )


class Rates:
    """Counts requests and events. Costs a few microseconds, and asks no database.

    What organizations have of their own is set by :meth:`set_own`, as a whole. Safe to use from
    several threads.
    """

    def __init__(self, limits: RateLimits, counts: Counts, *, clock: Callable[[], int]) -> None:
        """``clock`` is the machine's monotonic one, in nanoseconds."""
        self._counts = counts
        self._clock = clock
        self._limits = limits
        self._of_everybody = _Limits.of(limits, {})
        self._own: Mapping[UUID, _Limits] = {}

    def set_own(self, own: Mapping[UUID, Mapping[str, int]]) -> None:
        """By organization, what holds for it from now on in place of what holds for everybody."""
        self._own = {whose: _Limits.of(self._limits, stated) for whose, stated in own.items()}

    def count_request(
        self, request: HTTPConnection, organization_id: UUID, caller_id: UUID
    ) -> None:
        """One more request of a key or session, once however often this is called for it.

        Raises TooManyRequests ``rate_limited``.
        """
        seen = _seen_of(request.scope)
        limits = self._limits_of(organization_id)
        if limits.key not in seen:
            now = self._clock()
            self._take(seen, limits.key, caller_id, 1, now)
            self._take(seen, limits.organization, organization_id, 1, now)

    def count_events(self, request: HTTPConnection, organization_id: UUID, events: int) -> None:
        """So many more events of an organization. Raises TooManyRequests ``rate_limited``."""
        limit = self._limits_of(organization_id).events
        self._take(_seen_of(request.scope), limit, organization_id, events, self._clock())

    def headers(self, scope: MutableMapping[str, Any]) -> Headers:
        """What the answer says: the limits that its request met, and what is left of them."""
        seen = [(limit, taken) for limit, taken in _seen_of(scope).items() if taken is not None]
        if not seen:
            return ()
        left = [f'"{limit.name}";r={taken[0]};t={taken[1]}' for limit, taken in seen]
        return (
            (_POLICY_NAME, ", ".join([limit.policy for limit, _ in seen]).encode()),
            (_NAME, ", ".join(left).encode()),
        )

    def _limits_of(self, organization_id: UUID) -> _Limits:
        return self._own.get(organization_id, self._of_everybody)

    def _take(self, seen: _Seen, limit: _Limit, whom: UUID, units: int, now: int) -> None:
        if limit.allowance is None:
            seen[limit] = None
            return
        name = (whom.int ^ limit.salt) & _LONGEST_NAME
        taken = seen[limit] = self._counts.take(name, units, limit.allowance, now=now)
        if taken.wait_seconds:
            raise TooManyRequests(
                limit.detail, code="rate_limited", retry_after_seconds=taken.wait_seconds
            )


_Seen = dict[_Limit, Taken | None]
"""What a request took so far; None where there is no limit."""


def _seen_of(scope: MutableMapping[str, Any]) -> _Seen:
    state = scope.setdefault("state", {})
    if _SEEN not in state:
        state[_SEEN] = {}
    seen: _Seen = state[_SEEN]
    return seen

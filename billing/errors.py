"""The one tree of errors that every layer raises and that each edge translates once."""

from __future__ import annotations

# BillingError
# ├── InvalidInput        the caller sent something that cannot be accepted   → 422
# ├── NotFound            no such thing in this organization                  → 404
# ├── Conflict            it collides with what is stored                     → 409
# │   ├── InvalidTransition   the state machine has no such arrow             → 409
# │   └── PreconditionFailed  it changed since the caller looked at it        → 412
# ├── Unauthenticated     nobody, or nobody that we know                      → 401
# ├── Forbidden           known, but not allowed                              → 403
# ├── TooLarge            more than one request may carry                     → 413
# ├── TooManyRequests     slow down, then repeat                              → 429
# ├── InvariantBroken     an impossible state: parks the bill, tells a human  → 500
# └── IntegrationError
#     ├── Unavailable     the other side is away: retry                       → 503
#     └── Rejected        the other side said no: final                       → 502


class BillingError(Exception):
    """A broken rule, with a stable machine ``code``, a sentence for people and the ids involved.

    ``field`` is the location of the offending input, dotted and from the outside in
    (``pricing.tiers.1.up_to``), where one input is to blame.
    """

    code = "billing_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        field: str | None = None,
        **identifiers: str | None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.field = field
        self.identifiers = identifiers


class InvalidInput(BillingError):
    """The caller sent a value that no state of the system could accept."""

    code = "invalid_input"


class NotFound(BillingError):
    """No such thing in this organization; another organization's things do not exist here."""

    code = "not_found"


class Conflict(BillingError):
    """The request is well-formed but collides with what is stored."""

    code = "conflict"


class InvalidTransition(Conflict):
    """The state machine has no arrow from the present state to the one asked for."""

    code = "invalid_transition"


class PreconditionFailed(Conflict):
    """What the caller made a change from is not what there is any more."""

    code = "precondition_failed"


class Unauthenticated(BillingError):
    """No credentials, or none that are known and alive."""

    code = "unauthenticated"


class Forbidden(BillingError):
    """The credentials are good, but their scope or role does not reach this far."""

    code = "forbidden"


class TooLarge(BillingError):
    """More than one request may carry."""

    code = "too_large"


class TooManyRequests(BillingError):
    """Slow down: repeat after ``retry_after_seconds``."""

    code = "too_many_requests"

    def __init__(self, detail: str, *, retry_after_seconds: int, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after_seconds = retry_after_seconds


class InvariantBroken(BillingError):
    """A state that must be impossible. Never caught: it parks the bill and tells a human."""

    code = "invariant_broken"


class IntegrationError(BillingError):
    """Something outside this system did not do what it was asked."""

    code = "integration_error"


class Unavailable(IntegrationError):
    """The other side is away; the same call may succeed later."""

    code = "unavailable"


class Rejected(IntegrationError):
    """The other side answered, and its answer is no."""

    code = "rejected"

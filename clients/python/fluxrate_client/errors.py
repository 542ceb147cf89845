"""What may go wrong: one class a kind of answer, and in each the code that programs decide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class FluxrateError(Exception):
    """Whatever this client raises."""


class ConnectionFailed(FluxrateError):
    """No answer came, however often it was tried."""


class NoTag(FluxrateError):
    """The tag was asked of something that was not read by itself, and so has none."""


class ApiError(FluxrateError):
    """The API answered with a problem.

    ``code`` is stable, for programs; ``detail`` is for people; ``request_id`` is what the logs call
    the request; ``errors`` names each field that is wrong; ``problem`` is all that was answered.
    ``retry_after`` is after how many seconds a repeat makes sense, where the API says it.
    """

    def __init__(
        self, status: int, problem: Mapping[str, Any], *, retry_after: int | None = None
    ) -> None:
        self.status = status
        self.problem = problem
        self.retry_after = retry_after
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", "No detail was given."))
        self.request_id: str | None = problem.get("request_id")
        self.errors: Sequence[Mapping[str, Any]] = problem.get("errors", ())
        super().__init__(f"{status} {self.code}: {self.detail}{self._further_fields()}")

    def _further_fields(self) -> str:
        """Fields of which the sentence does not speak yet."""
        fields = "; ".join(
            f"{one.get('field')}: {one.get('detail')}"
            for one in self.errors
            if str(one.get("detail")) not in self.detail
        )
        return f" ({fields})" if fields else ""


class BadRequest(ApiError):
    """400: a parameter is wrong."""


class NotSignedIn(ApiError):
    """401: there is no key and no session, or none that holds."""


class Forbidden(ApiError):
    """403: the key has not the scope, or the person not the role."""


class NotFound(ApiError):
    """404: there is no such thing in this organization."""


class Conflict(ApiError):
    """409: the state forbids it; ``code`` says which, such as ``meter_already_billed``."""


class PreconditionFailed(ApiError):
    """412: it has changed since it was read, and nothing was done. Read it again, and look."""


class Invalid(ApiError):
    """422: the body or a value is wrong; ``errors`` names the fields."""


class TooManyRequests(ApiError):
    """429, also after waiting as long as was asked."""


class ServerFailed(ApiError):
    """5xx, also after trying again."""


_KINDS: Mapping[int, type[ApiError]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    422: Invalid,
    429: TooManyRequests,
}


def error_of(status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> ApiError:
    """The error that an answer is."""
    kind = ServerFailed if status >= 500 else _KINDS.get(status, ApiError)
    asked = headers.get("retry-after", "")
    told = {"request_id": headers.get("x-request-id"), **problem}
    return kind(status, told, retry_after=int(asked) if asked.isdigit() else None)

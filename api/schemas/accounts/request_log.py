"""What keys sent lately, on the wire."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from api.schemas.common import Moment, View
from repositories.accounts.request_log import Problem, ShownRequest


class LoggedRequestView(View):
    """Requests of a second that are alike: same key, method, path, status and problem."""

    id: UUID
    at: Moment
    """When the slowest of them was answered."""
    method: str
    """The HTTP method."""
    path: str
    """The path with its ids. Names that you gave, such as an external id, are left out: in their
    place stands what they are, such as `{customer_id}`. Queries are left out too."""
    status: int
    """The HTTP status of the answer."""
    code: str | None
    """The code of the problem, which `/errors/{code}` explains; null where there was none."""
    fields: list[str]
    """The fields that were refused, at most five, by the outermost name; none that the caller
    made up."""
    milliseconds: int
    """How long the slowest of them took, in milliseconds, rounded down."""
    request_id: str
    """The `X-Request-Id` of the slowest of them."""
    alike: int
    """How many requests of this second were the same in all but these three."""
    api_key_id: UUID
    """The key that sent them."""
    api_key_name: str | None
    """What the key is called; null where it is not known any more."""


def view_request(shown: ShownRequest) -> LoggedRequestView:
    """The request as the API shows it."""
    request = shown.request
    return LoggedRequestView(
        **request.model_dump(exclude={"organization_id", "fields"}),
        fields=request.fields.split(",") if request.fields else [],
        api_key_name=shown.key_name,
    )


class FailedRequestsView(View):
    """Requests that failed in the same way: one method, path, status and code."""

    method: str
    """The HTTP method."""
    path: str
    """The path, in which ids and names are `{id}`."""
    status: int
    """The HTTP status of the answers."""
    code: str | None
    """The code of the problem, which `/errors/{code}` explains; null where there was none."""
    requests: int
    """How many requests there were."""
    first_at: Moment
    """When the first of them was answered, of those that are kept."""
    last_at: Moment
    """When the last of them was answered."""
    request_id: str
    """The `X-Request-Id` of one of the last."""


def view_problem(found: Problem) -> FailedRequestsView:
    """What failed as the API shows it."""
    return FailedRequestsView(**asdict(found))

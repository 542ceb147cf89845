"""What the Python client makes of an answer: errors by status, tags, plain values."""

from __future__ import annotations

from decimal import Decimal

import httpx2
import pytest
from fluxrate_client import (
    ApiError,
    Fluxrate,
    NoTag,
    NotFound,
    PreconditionFailed,
    TooManyRequests,
    exact,
)
from fluxrate_client.models import RecordedEvent

from tests.clients.answering import CUSTOMER, Api, answer, page


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (412, PreconditionFailed), (418, ApiError), (429, TooManyRequests)],
)
def test_errors_have_a_class_by_their_status(status: int, kind: type[ApiError]) -> None:
    api = Api(answer(status, {"code": "so"}, **{"Retry-After": "90", "X-Request-Id": "r2"}))

    with pytest.raises(ApiError) as caught:
        api.client().customers.get("a")

    assert type(caught.value) is kind
    assert (caught.value.retry_after, caught.value.request_id) == (90, "r2")


def test_an_error_says_nothing_twice() -> None:
    quantity = {"field": "quantity", "detail": "4 are used of 3"}
    price = {"field": "price", "detail": "Must not be negative"}
    told = {"code": "wrong", "detail": "4 are used of 3", "errors": [quantity, price]}

    with pytest.raises(ApiError) as caught:
        Api(answer(409, told)).client().customers.get("a")

    assert str(caught.value) == "409 wrong: 4 are used of 3 (price: Must not be negative)"


def test_an_edit_sends_the_tag_of_what_was_read() -> None:
    api = Api(answer(body=CUSTOMER, ETag='"t1"'), answer(body=CUSTOMER, ETag='"t2"'))
    client = api.client()

    customer = client.customers.get("a")
    edited = client.customers.update("a", name="Quay", if_match=customer.etag)

    assert api.asked[1].headers["If-Match"] == '"t1"'
    assert edited.etag == '"t2"'
    assert edited == customer


def test_what_stands_in_a_list_has_no_tag_and_none_is_no_condition() -> None:
    [item] = Api(page(1, 1)).client().customers.list()

    with pytest.raises(NoTag):
        _ = item.etag
    with pytest.raises(ValueError, match="If-Match is None"):
        Api().client().customers.update("a", name="Quay", if_match=None)  # type: ignore[arg-type]  # what a test says by name


def test_an_answer_is_given_back_as_plain_values() -> None:
    body = {
        "id": "e1",
        "timestamp": "2025-01-01T00:00:00.5Z",
        "meta_data": {"seats": Decimal("1.10"), "tags": ["eu"]},
    }

    event = exact.read(RecordedEvent, body)

    told = event.to_dict()
    assert {name: told[name] for name in body} == body | {
        "timestamp": "2025-01-01T00:00:00.500000Z"
    }
    assert told["customer_id"] is None


def test_a_session_may_act_for_a_sandbox() -> None:
    api = Api(answer(body=CUSTOMER))
    http = httpx2.Client(transport=httpx2.MockTransport(api))

    Fluxrate("http://api.test", organization="o1", http=http).customers.get("a")

    assert api.asked[0].headers["Fluxrate-Organization"] == "o1"

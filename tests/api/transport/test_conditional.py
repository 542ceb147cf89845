"""Conditional requests: 304 for who has an answer, 412 for who edits what they have not seen.

Source: issue 20; docs/decisions/0051-tags-are-of-what-is-shown.md.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI

from api.document.operations import operations, parameters
from api.transport.conditional.edits import LOCKS
from api.transport.conditional.resources import find_resource
from api.transport.conditional.tags import MalformedTags, read_conditions
from tests.api.access.furnished import Ids, fill, furnish
from tests.api.changes import recorded
from tests.api.credentials import least_credentials
from tests.api.people import Person
from tests.api.shared_document import shared_document
from tests.api.sold import V1, sell

EVERYWHERE = {"Fluxrate-Numbers", "Fluxrate-Organization", "X-Request-Id"}
AS_TEXTS = {"Fluxrate-Numbers": "string"}
STRONG = re.compile(r'"[0-9a-f]{30}"')


def tag_at(person: Person, path: str) -> str:
    answer = person.get(path)
    assert answer.status_code == 200, answer.text
    assert STRONG.fullmatch(answer.headers["ETag"]), answer.headers
    return str(answer.headers["ETag"])


def test_every_resource_has_a_tag_and_304_for_who_has_it(owner: Person) -> None:
    ids = furnish(owner)
    paths = {path for method, path in least_credentials() if method == "GET"}
    seen = 0
    for path in sorted(path for path in paths if re.search(r"\w_id\}$|organization$", path)):
        address = fill(path, ids)
        tag = tag_at(owner, address)

        again = owner.get(address, headers={"If-None-Match": f'"other", W/{tag}'})
        head = owner.head(address, headers={"If-None-Match": tag})
        anything = owner.get(address, headers={"If-None-Match": "*"})
        other = owner.get(address, headers={"If-None-Match": '"other"'})

        for unchanged in (again, head, anything):
            assert (unchanged.status_code, unchanged.content) == (304, b""), path
            assert unchanged.headers["ETag"] == tag
            assert unchanged.headers["Vary"] == "Fluxrate-Numbers, Fluxrate-Organization"
            assert "content-length" not in unchanged.headers
            assert unchanged.headers["X-Request-Id"]
        assert (other.status_code, other.headers["ETag"]) == (200, tag)
        seen += 1
    assert seen >= 13


def test_head_has_the_tag_of_a_get(owner: Person) -> None:
    plan_id = sell(owner).plan["id"]

    tag = tag_at(owner, f"{V1}/plans/{plan_id}")

    assert owner.head(f"{V1}/plans/{plan_id}").headers["ETag"] == tag


def test_numbers_as_texts_are_another_representation(owner: Person) -> None:
    path = f"{V1}/plans/{sell(owner).plan['id']}"
    plain = tag_at(owner, path)
    as_texts = owner.get(path, headers=AS_TEXTS).headers["ETag"]

    crossed = owner.get(path, headers=AS_TEXTS | {"If-None-Match": plain})
    edited = owner.patch(path, json={"name": "A"}, headers={"If-Match": as_texts} | AS_TEXTS)

    assert plain != as_texts
    assert crossed.status_code == 200
    assert edited.status_code == 200
    assert owner.get(path, headers=AS_TEXTS).headers["ETag"] == edited.headers["ETag"]


def edits_of(ids: Ids) -> list[tuple[str, str, dict[str, Any]]]:
    """An edit of everything that can be edited, each answered by 200."""
    return [
        ("PATCH", "/organization", {"name": "Lumen"}),
        ("PATCH", "/features/{feature_id}", {"name": "Calls"}),
        ("PATCH", "/meters/{meter_id}", {"unit": "call"}),
        ("PUT", "/plans/{plan_id}", {"name": "Studio 2"}),
        ("PATCH", "/plans/{plan_id}/features/{plan_feature_id}", {"is_enabled": False}),
        ("PATCH", "/plans/{plan_id}/charges/{charge_id}", {"status": "INACTIVE"}),
        ("PATCH", "/customers/{customer_id}", {"name": "Harbour"}),
        ("PATCH", "/webhook-endpoints/{endpoint_id}", {"events": ["invoice.paid"]}),
        ("PATCH", "/connections/{connection_id}", {"name": "Bench"}),
        ("PATCH", "/invoices/{invoice_id}/status", {"status": "OPEN"}),
    ]


def read_of(path: str) -> str:
    return re.sub(r"(_id\}|organization).*", r"\1", path)


def test_edits_answer_with_the_tag_that_the_next_read_has(owner: Person) -> None:
    ids = furnish(owner)
    for method, path, body in edits_of(ids):
        shown, address = V1 + fill(read_of(path), ids), V1 + fill(path, ids)
        before = tag_at(owner, shown)

        edited = owner.request(method, address, json=body, headers={"If-Match": before})
        repeated = owner.request(method, address, json=body, headers={"If-Match": before})

        assert edited.status_code == 200, (path, edited.text)
        assert edited.headers["ETag"] == tag_at(owner, shown), path
        assert edited.headers["ETag"] != before, path
        assert (repeated.status_code, repeated.json()["code"]) == (412, "precondition_failed")
        assert repeated.json()["errors"][0]["field"] == "If-Match"


def test_edit_without_a_condition_works_and_tells_its_tag(owner: Person) -> None:
    path = f"{V1}/plans/{sell(owner).plan['id']}"

    first = owner.patch(path, json={"name": "A"})
    second = owner.patch(path, json={"name": "B"}, headers={"If-Match": "*"})
    third = owner.patch(path, json={"name": "C"}, headers={"If-Match": first.headers["ETag"]})

    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 412)
    assert owner.get(path).json()["name"] == "B"


@pytest.mark.parametrize(
    ("header", "status"),
    [("W/{tag}", 412), ('"a", {tag}', 200), ('"{tag}x"', 400), ('""', 412), (", {tag} ,", 200)],
)
def test_tags_match_strongly_or_not_at_all(owner: Person, header: str, status: int) -> None:
    path = f"{V1}/plans/{sell(owner).plan['id']}"
    sent = header.replace("{tag}", tag_at(owner, path))

    answer = owner.patch(path, json={"name": "A"}, headers={"If-Match": sent})

    assert answer.status_code == status, answer.text


def test_reads_and_edits_may_ask_the_other_way_around(owner: Person) -> None:
    path = f"{V1}/plans/{sell(owner).plan['id']}"
    tag = tag_at(owner, path)

    read = owner.get(path, headers={"If-Match": '"other"'})
    kept = owner.get(path, headers={"If-Match": tag})
    edit = owner.patch(path, json={"name": "A"}, headers={"If-None-Match": "*"})

    assert (read.status_code, read.json()["code"]) == (412, "precondition_failed")
    assert kept.status_code == 200
    assert edit.status_code == 412


@pytest.mark.parametrize("value", ["", "abc", '"a" "b"', '"a', "*, *", 'w/"a"', ","])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_malformed_tags_are_400_everywhere(visitor: Person, header: str, value: str) -> None:
    for method, path in (("GET", "/plans/x"), ("PATCH", "/plans/x"), ("POST", "/usage")):
        answer = visitor.request(method, V1 + path, headers={header: value})

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_header")
        assert answer.json()["errors"][0]["field"] == header


def test_long_lists_are_read_in_no_time() -> None:
    value = b'"a",' * 8_000 + b"x"

    with pytest.raises(MalformedTags):
        read_conditions([(b"if-match", value)])


def test_actions_and_deletions_take_conditions_too(owner: Person) -> None:
    ids = furnish(owner)
    subscription = f"{V1}/subscriptions/{ids['subscription_id']}"
    stale, current = {"If-Match": '"stale"'}, {"If-Match": tag_at(owner, subscription)}
    draft = f"{V1}/invoices/{ids['invoice_id']}"

    assert owner.post(f"{subscription}/cancel", json={}, headers=stale).status_code == 412
    assert owner.post(f"{subscription}/cancel", json={}, headers=current).status_code == 200
    assert owner.post(f"{subscription}/reactivate", headers=current).status_code == 412
    assert owner.delete(draft, headers=stale).status_code == 412
    assert owner.delete(draft, headers={"If-Match": tag_at(owner, draft)}).status_code == 204
    assert owner.delete(draft, headers={"If-Match": "*"}).status_code == 404


def test_deleting_a_customer_in_several_transactions_is_one_edit(owner: Person) -> None:
    sold = sell(owner)
    sold.subscribe()
    path = f"{V1}/customers/acct_77"
    tag = tag_at(owner, path)
    owner.patch(path, json={"name": "Harbor 2"})

    stale = owner.delete(path, headers={"If-Match": tag})
    current = owner.delete(path, headers={"If-Match": tag_at(owner, path)})

    assert (stale.status_code, current.status_code) == (412, 204)


def test_repeat_under_its_key_is_answered_although_the_tag_is_old(owner: Person) -> None:
    sold = sell(owner)
    path = f"{V1}/subscriptions/{sold.subscribe()['id']}"
    headers = {"If-Match": tag_at(owner, path), "Idempotency-Key": "once"}

    first = owner.post(f"{path}/pause", json={}, headers=headers)
    second = owner.post(f"{path}/pause", json={}, headers=headers)

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotent-Replayed"] == "true"


def test_where_nothing_can_be_read_a_condition_is_refused(owner: Person) -> None:
    answer = owner.post(f"{V1}/customers", json={"name": "A"}, headers={"If-Match": "*"})

    assert answer.status_code == 422
    assert owner.get(f"{V1}/customers").json()["meta"]["total"] == 0


def test_everything_that_is_written_and_read_has_its_lock(app: FastAPI) -> None:
    resources = app.state.held.resources
    written = {find_resource(resources, change.partition(" ")[2]) for change in recorded()}

    assert {one.parameter for one in written if one is not None} == set(LOCKS)


def test_of_two_edits_at_once_from_the_same_picture_one_wins(owner: Person) -> None:
    path = f"{V1}/plans/{sell(owner).plan['id']}"
    key = {"X-API-Key": owner.make_key("billing.write")}
    for round_number in range(6):
        condition = key | {"If-Match": tag_at(owner, path)}
        names = [f"{side} {round_number}" for side in ("left", "right", "middle")]

        with ThreadPoolExecutor(3) as together:
            answers = [
                one.result()
                for one in [
                    together.submit(owner.patch, path, json={"name": name}, headers=condition)
                    for name in names
                ]
            ]

        statuses = [one.status_code for one in answers]
        assert sorted(statuses) == [200, 412, 412]
        assert owner.get(path).json()["name"] == names[statuses.index(200)]


def test_whoever_offers_a_condition_refuses_a_tag_of_the_past(owner: Person) -> None:
    ids = furnish(owner)
    document = shared_document()
    stale = {"If-Match": '"stale"'}
    refused = 0
    for path, method, operation in operations(document):
        if any(one["name"] == "If-Match" for one in parameters(document, operation)):
            answer = owner.request(method, fill(path, ids), json={}, headers=stale)
            assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed"), path
            refused += 1
    assert refused > 50


def test_what_only_looks_offers_no_condition() -> None:
    document = shared_document()

    for path in (
        "/subscriptions/{subscription_id}/preview-invoice",
        "/invoices/{invoice_id}/verify",
    ):
        taken = parameters(document, document["paths"][V1 + path]["post"])
        assert "If-Match" not in {one["name"] for one in taken}


def test_document_says_who_takes_which_condition() -> None:
    document = shared_document()
    paths = document["paths"]

    def headers(method: str, path: str) -> set[str]:
        taken = parameters(document, paths[f"{V1}{path}"][method])
        return {one["name"] for one in taken if one["in"] == "header"} - EVERYWHERE

    assert headers("get", "/plans/{plan_id}") == {"If-None-Match"}
    assert "304" in paths[f"{V1}/plans/{{plan_id}}"]["get"]["responses"]
    assert headers("get", "/plans") == {"If-None-Match"}
    assert headers("post", "/usage") == headers("get", "/invoices/{invoice_id}/pdf") == set()
    assert "If-Match" in headers("patch", "/organization")
    assert "If-Match" in headers("post", "/subscriptions/{subscription_id}/cancel")
    assert "If-Match" in headers("delete", "/invoices/{invoice_id}")
    edited = paths[f"{V1}/plans/{{plan_id}}/charges/{{charge_id}}"]["patch"]["responses"]["200"]
    assert "ETag" in edited["headers"]

"""What operations say of themselves is about operations and codes that there are."""

from __future__ import annotations

from api.document.codes import read_codes
from api.document.descriptions import read_descriptions, refusals_named
from api.document.operations import operations, parameters
from tests.api.shared_document import shared_document


def test_every_section_is_about_an_operation_which_says_it() -> None:
    told = {one["operationId"]: one["description"] for _, _, one in operations(shared_document())}

    assert len(read_descriptions()) >= 30
    for name, text in read_descriptions().items():
        assert text in told[name], name


def test_refusals_that_are_named_exist_and_are_told_by_status() -> None:
    described = {
        one["operationId"]: one["responses"] for _, _, one in operations(shared_document())
    }
    found = [(name, one.split()) for name in read_descriptions() for one in refusals_named(name)]

    assert len(found) >= 30
    for name, (status, code) in found:
        assert int(status) in read_codes()[code].statuses, (name, status, code)
        assert code in described[name][status]["x-codes"], (name, status, code)


def test_every_parameter_is_in_words() -> None:
    document = shared_document()
    silent = {
        f"{one['in']} {one['name']} of {operation['operationId']}"
        for _, _, operation in operations(document)
        for one in parameters(document, operation)
        if not one.get("description")
    }

    assert silent == set(), "api/document/parameters.py has words for them"

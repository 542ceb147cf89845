"""What was written before is given again for the very same document, and for no other."""

from __future__ import annotations

import pytest

from api.reads.written.views import WrittenViews
from api.transport.exact_json import dump_json
from models.customers import Customer
from repositories.asynchronous.document_reads import DocumentRead

READ = DocumentRead("", Customer)


class Writer:
    """A view that counts how often it is asked for."""

    def __init__(self) -> None:
        self.times = 0

    def view(self, _found: object) -> str:
        self.times += 1
        return "x" * 50


@pytest.fixture(autouse=True)
def reads_no_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DocumentRead, "decode", lambda _read, document: document)


def test_same_document_is_written_once_and_any_other_anew() -> None:
    kept, writer = WrittenViews(), Writer()

    for document in ('{"total":5}', '{"total":5}', '{"total":5.0}', '{"total":5}'):
        assert kept.write(READ, writer.view, document) == dump_json("x" * 50)

    assert writer.times == 2


def test_two_views_of_a_document_are_two() -> None:
    kept = WrittenViews()

    written = [kept.write(READ, view, "{}") for view in (lambda _: 1, lambda _: 2)]

    assert written == [b"1", b"2"]


def test_what_was_asked_for_longest_ago_is_forgotten_for_more() -> None:
    kept, writer = WrittenViews(most_bytes=300), Writer()
    for number in (0, 1, 2, 3, 0, 3):
        kept.write(READ, writer.view, f"document {number}" + "." * 30)

    assert writer.times == 5


def test_what_is_too_large_takes_the_place_of_nothing() -> None:
    kept, writer = WrittenViews(), Writer()
    for document in ("small", "l" * 300_000, "l" * 300_000, "small"):
        kept.write(READ, writer.view, document)

    assert writer.times == 3

"""The audit log as text: lines that anybody can verify, and rows that no spreadsheet computes."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO
from typing import Any
from uuid import UUID

import pytest

from billing.audit_log.formats import COLUMNS, AuditFormat, begin, write
from billing.invoicing.receipts import digest
from tests.billing.audit_log.chains import Change, chain

ENTRIES = [
    Change(id=UUID(int=1)),
    Change(id=UUID(int=2), before={"name": "Pro"}, after=None, object_id=None, request_id=None),
]


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


def test_a_line_holds_what_its_digest_is_of_and_the_digest() -> None:
    links = chain(*ENTRIES)

    lines = [json.loads(line) for line in write(AuditFormat.NDJSON, links).splitlines()]

    assert begin(AuditFormat.NDJSON) == ""
    assert [line["position"] for line in lines] == [1, 2]
    for line, link in zip(lines, links, strict=True):
        assert line.pop("digest") == link.digest == digest(line)


def test_a_table_begins_with_its_columns_and_has_a_row_for_each_entry() -> None:
    links = chain(*ENTRIES)

    header, first, second = rows(begin(AuditFormat.CSV) + write(AuditFormat.CSV, links))

    assert header == list(COLUMNS)
    told, empty = (dict(zip(COLUMNS, row, strict=True)) for row in (first, second))
    assert (told["position"], told["at"], told["after"]) == (
        "1",
        "2025-01-01T00:00:00Z",
        '{"name":"Pro"}',
    )
    assert (told["previous_digest"], told["digest"]) == ("", links[0].digest)
    assert (empty["before"], empty["after"], empty["object_id"], empty["request_id"]) == (
        '{"name":"Pro"}',
        "",
        "",
        "",
    )
    assert empty["previous_digest"] == links[0].digest


@pytest.mark.parametrize("language", AuditFormat)
def test_an_entry_that_is_gone_leaves_a_gap(language: AuditFormat) -> None:
    first, second = chain(*ENTRIES)

    assert write(language, [replace(first, entry=None), second]) == write(language, [second])


@pytest.mark.parametrize("language", AuditFormat)
def test_what_was_never_written_is_shown_as_it_is_found(language: AuditFormat) -> None:
    [link] = chain(ENTRIES[0])
    odd: dict[str, Any] = {"rate": 0.5}

    text = write(language, [replace(link, entry=replace(ENTRIES[0], after=odd))])

    assert "0.5" in text
    assert link.digest in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("actor", ["=1+1", "+1", "-1", "@x", "\uff1d1"])
def test_no_cell_is_a_formula(actor: str) -> None:
    [row] = rows(write(AuditFormat.CSV, chain(replace(ENTRIES[0], actor=actor))))

    assert dict(zip(COLUMNS, row, strict=True))["actor"] == f"'{actor}"


@pytest.mark.parametrize("actor", ["a\nb", "a\r\nb", "a\u2028b", "a\x00b"])
def test_an_actor_begins_no_row_of_their_own(actor: str) -> None:
    [row] = rows(write(AuditFormat.CSV, chain(replace(ENTRIES[0], actor=actor))))

    assert dict(zip(COLUMNS, row, strict=True))["actor"] == "a b"


def test_letters_of_all_languages_are_written_as_they_are() -> None:
    text = write(AuditFormat.NDJSON, chain(replace(ENTRIES[0], actor="Ünal 消")))

    assert '"actor":"Ünal 消"' in text

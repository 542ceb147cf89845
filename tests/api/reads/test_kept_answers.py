"""Whatever was changed is in the next answer, also of a process that has given the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest.mock import patch

from fastapi import FastAPI

from api.context import AppContext
from api.reads.written.views import WrittenViews
from api.transport.exact_json import dump_json
from repositories.asynchronous.document_reads import DocumentRead
from tests.api.changes import V1, Story
from tests.api.operations.test_audit_trail import tell_of_a_subscription, tell_of_the_catalogue
from tests.api.people import Clock, Person

T = TypeVar("T")

KINDS = ("customers", "invoices", "payments", "plans", "subscriptions")
WITHIN = {"invoices": ("/payments", "/credit-notes"), "subscriptions": ("/add-ons",)}


def write_anew(
    _kept: WrittenViews, read: DocumentRead[T], view: Callable[[T], object], document: str
) -> bytes:
    return dump_json(view(read.decode(document)))


@dataclass
class ReadStory(Story):
    """Reads everything before and after each operation, and then once more, written anew."""

    answers: dict[str, set[bytes]] = field(default_factory=dict)
    """Different answers of each path."""

    def do(self, operation: str, body: Any = None, **ids: Any) -> Any:
        self._read_all()
        done = super().do(operation, body, **ids)
        kept = self._read_all()
        with patch.object(WrittenViews, "write", write_anew):
            assert kept == self._read_all(), operation
        for path, answer in kept.items():
            self.answers.setdefault(path, set()).add(answer)
        return done

    def _read_all(self) -> dict[str, bytes]:
        paths = [f"/{kind}?page_size=100" for kind in (*KINDS, "webhook-endpoints")]
        lists = {path: self.person.get(V1 + path) for path in paths}
        found = [
            f"/{kind}/{one['id']}{within}"
            for kind, listed in zip(KINDS, lists.values(), strict=False)
            for one in listed.json()["data"]
            for within in ("", *WITHIN.get(kind, ()))
        ]
        single = {path: self.person.get(V1 + path) for path in found}
        return {path: answer.content for path, answer in (lists | single).items()}


def test_every_change_is_in_the_next_answer(
    app: FastAPI, context: AppContext, clock: Clock
) -> None:
    story = ReadStory(Person(app).sign_up())

    tell_of_the_catalogue(story)
    tell_of_a_subscription(story, context, clock)

    changed = {path.split("/")[1] for path, said in story.answers.items() if len(said) > 1}
    assert changed >= {f"{kind}?page_size=100" for kind in KINDS} | {*KINDS}

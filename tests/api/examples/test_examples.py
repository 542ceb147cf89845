"""Examples in the document are what this code answers, and no operation lacks one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from api.context import AppContext
from api.document.examples import RECORDED, Told, file_of, read_examples
from api.document.operations import operations
from tests.api.conftest import SECRET
from tests.api.examples.recorder import shape_of
from tests.api.examples.story import tell_everything
from tests.api.people import Clock
from tests.api.shared_document import shared_document
from tests.services.receipts_of import signing

WITHOUT: Final = {"receive_gateway_webhook": "its body is bytes that a gateway signs"}


@pytest.fixture
def context(context: AppContext) -> AppContext:
    """The surroundings of a process that signs receipts."""
    return replace(context, transactions=signing(context.transactions, SECRET))


@pytest.fixture
def app(context: AppContext, one_event_loop: BlockingPortal) -> Iterator[FastAPI]:
    """The application of such a process."""
    served = create_app(context)
    with one_event_loop.wrap_async_context_manager(served.router.lifespan_context(served)):
        yield served


def test_examples_are_what_the_story_tells(app: FastAPI, context: AppContext, clock: Clock) -> None:
    told = tell_everything(app, context, clock)
    if os.environ.get("FLUXRATE_RECORD_EXAMPLES"):
        record(told)

    recorded = read_examples()

    assert told.keys() == recorded.keys()
    for name, one in told.items():
        assert set(shape_of(one)) == set(shape_of(recorded[name])), f"{name}: `make examples`"


def test_every_operation_has_an_example() -> None:
    names = {operation["operationId"] for _, _, operation in operations(shared_document())}

    assert names == read_examples().keys() | WITHOUT.keys()


def record(told: Mapping[str, Told]) -> None:
    """Write what was told, a file for each tag."""
    tags = {one["operationId"]: one["tags"][0] for _, _, one in operations(shared_document())}
    for file in RECORDED.glob("*.json"):
        file.unlink()
    for tag in sorted(set(tags.values())):
        its = {name: one for name, one in told.items() if tags[name] == tag}
        file_of(tag).write_text(json.dumps(its, indent=2, ensure_ascii=False) + "\n")
    read_examples.cache_clear()

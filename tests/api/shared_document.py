"""The OpenAPI document, made once for all tests of a run: it takes seconds."""

from __future__ import annotations

import os
import pickle
from functools import cache

from api.app import describe
from api.document.operations import Document
from tests.servers import RUN_DIRECTORY, one_at_a_time, run_directory


@cache
def shared_document() -> Document:
    """What every application answers under ``/openapi.json``; nobody changes it."""
    if RUN_DIRECTORY not in os.environ:
        return describe()
    kept = run_directory() / "document.pickle"
    with one_at_a_time(kept.with_suffix(".lock")):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(describe()))
        document: Document = pickle.loads(kept.read_bytes())
    return document

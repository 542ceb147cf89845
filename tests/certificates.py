"""The certificates that this machine trusts, read once for a process.

Whoever may ask a server of the world reads all of them when it is made, which takes longer than
most tests: a process of the product makes three of those, and tests make one each.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore2
import pytest


@contextmanager
def read_once() -> Iterator[None]:
    """Clients that trust whom the machine does share what was read of it."""
    read_anew = ssl.create_default_context
    read = cache(read_anew)

    def give(*purpose: Any, **own: Any) -> ssl.SSLContext:
        return read_anew(*purpose, **own) if purpose or own else read()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", cache(httpcore2.default_ssl_context))
        patch.setattr(ssl, "create_default_context", give)
        yield

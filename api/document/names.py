"""What the clients call each operation: one name for all languages, told with the operation."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

NAMES: Final = Path(__file__).with_name("client_names.toml")
LEFT_OUT: Final = "left_out"
"""The section of operations that are no methods of the clients."""


@cache
def read_names() -> Mapping[str, Any]:
    """The file of names as it stands: addresses by resource and method."""
    return tomllib.loads(NAMES.read_text())


def list_names() -> Iterator[tuple[str, str, str]]:
    """Resource, method and address, such as ``invoices``, ``pay``, ``POST /invoices/{id}/pay``."""
    for resource, methods in read_names().items():
        if resource != LEFT_OUT:
            for name, address in methods.items():
                yield resource, name, address

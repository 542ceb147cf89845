"""Builds the product's wheel as hatchling does, with the Python client that the demo uses in it.

The client is made of the document that the product prints (docs/decisions/0049, 0052), so that a
wheel needs what the product needs, and the generator, while it is built. Whoever installs from
source notices nothing but some seconds. An editable installation runs from the checkout, where
``make install`` makes the client: nothing more is needed for it than hatchling.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hatchling import build as hatchling

GENERATOR: Final = "openapi-python-client"
PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"

build_sdist = hatchling.build_sdist
build_editable = hatchling.build_editable
get_requires_for_build_sdist = hatchling.get_requires_for_build_sdist
get_requires_for_build_editable = hatchling.get_requires_for_build_editable

Settings = Mapping[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What must be installed while a wheel is built."""
    project = tomllib.loads(PROJECT.read_text())
    tools: list[str] = project["dependency-groups"]["dev"]
    return [
        *hatchling.get_requires_for_build_wheel(config_settings),
        *project["project"]["dependencies"],
        *(one for one in tools if one.startswith(GENERATOR)),
    ]


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """The name of the wheel, once it is there."""
    # Imported here: it is not there yet when a build is asked what it requires.
    from clients.generator.current import make_current  # noqa: PLC0415  (loaded only where it is made)

    make_current()
    name: str = hatchling.build_wheel(wheel_directory, config_settings, metadata_directory)
    return name

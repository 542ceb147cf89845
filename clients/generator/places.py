"""Where the clients are, and what is made in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CLIENTS: Final = Path(__file__).parents[1]
ROOT: Final = CLIENTS.parent
GENERATOR: Final = CLIENTS / "generator"
PACKAGE: Final = CLIENTS / "python" / "fluxrate_client"
TYPESCRIPT: Final = CLIENTS / "typescript"
MADE: Final = ("models.py", "params.py", "resources.py", "async_resources.py")
"""Modules of the Python client that are made of the document."""

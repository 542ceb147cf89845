"""What properties mean that mean the same wherever their name occurs, said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAME_EVERYWHERE: Final[Mapping[str, str]] = {
    "id": "Its id, a UUID that never changes.",
}

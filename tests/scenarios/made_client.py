"""The Python client as scenarios use it, made of this code's document before it is imported."""

from __future__ import annotations

from clients.generator.current import make_current

make_current()

from fluxrate_client import NEVER, ApiError, ConnectionFailed, Fluxrate  # noqa: E402  (once it is made)
from fluxrate_client.answers import Answer  # noqa: E402  (once it is made)

__all__ = ["NEVER", "Answer", "ApiError", "ConnectionFailed", "Fluxrate"]

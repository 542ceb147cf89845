"""``python -m clients.generator``: what is generated in the clients is as the product says."""

from __future__ import annotations

from clients.generator.current import make_current

make_current()

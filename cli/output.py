"""What operators read: one console, sentences for failures."""

from __future__ import annotations

import sys
from typing import NoReturn

from rich.console import Console

PIPE_WIDTH = 160
"""Columns when the output is no terminal, so that addresses stay on one line."""


def make_console() -> Console:
    """Standard output, wide enough for an address when it is a pipe or a file."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


class Refusal(Exception):
    """A command cannot do what was asked; the text says why and what to do instead."""


def refuse(text: str) -> NoReturn:
    """End the command with a sentence for the operator.

    Raises:
        Refusal: always.
    """
    raise Refusal(text)

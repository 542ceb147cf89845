"""What operators read: one console, sentences for failures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

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


@contextmanager
def open_output(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that is there once all of it is written."""
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)

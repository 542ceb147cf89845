"""How a process that held a Temporal client ends."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn


def leave(code: int = 0) -> NoReturn:
    """End the process at once with this exit code, after writing out what was printed and logged.

    Threads of the Temporal SDK outlive the interpreter and may abort it while it shuts down, which
    would replace the exit code by 134 or 139. Nothing registered with ``atexit`` runs.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a closed pipe has nobody to read it
            continue
    os._exit(code)

"""Run a module for as long as the parent process lives.

Used as ``python -m runtime.processes.lifeline <module>``. The parent holds the other end of
standard input. When it ends, even by SIGKILL, the pipe closes and this process stops itself, so
that a killed supervisor leaves no API and no worker behind.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

GRACE_SECONDS = 15.0


def end_with_parent() -> None:
    """Send this process SIGTERM when standard input ends, and end it if it does not stop."""
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    end_with_parent()
    runpy.run_module(module, run_name="__main__", alter_sys=True)

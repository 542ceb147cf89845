"""A reader who does what a page says: one shell from its first block to its last."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from tests.docs.expectations import differences
from tests.docs.pages import DOCS, Block, Step

SECONDS = 180
"""How long a page may take, however busy the machine is. Alone it takes about two."""
ADDRESS = "http://127.0.0.1:8000"
PROBLEM = '"request_id":'
EMAIL = "ops@lumenworks.test"
CURL = Path(__file__).with_name("stand_in_for_curl.py")


class Reader:
    """Runs blocks in a directory of its own; variables of one are there in the next.

    What stands on the page is what runs, but for the product's address and the e-mail address
    of the one who signs up, and pauses last a twentieth of a second.
    """

    def __init__(self, url: str, directory: Path) -> None:
        self._url = url
        self._directory = directory
        self._email = f"ops-{uuid4()}@lumenworks.test"
        self._errors = directory / "errors.txt"
        self._count = 0
        with self._errors.open("w") as errors:
            self._shell = subprocess.Popen(
                ["bash"],
                cwd=directory,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._deadline = threading.Timer(SECONDS, self._end)
        self._deadline.start()
        self._send("set -euo pipefail; sleep() { command sleep 0.05; }")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._deadline.cancel()
        self._end()
        self._shell.communicate()

    def run(self, block: Block) -> str:
        """What the block prints. Fails where one of its commands does."""
        self._count += 1
        text = block.text.replace(ADDRESS, self._url).replace(EMAIL, self._email)
        file = self._directory / f"block-{self._count}.{block.kind}"
        file.write_text(text)
        command = ". " if block.kind == "sh" else f"{shlex.quote(sys.executable)} "
        done = f"done-{uuid4()}"
        self._send(f"{command}./{file.name} </dev/null; echo; echo {done}")
        assert self._shell.stdout is not None
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.strip() == done:
                return "".join(printed)
            printed.append(line)
        raise AssertionError(
            f"{block.place} failed\n{''.join(printed)}\n{self._errors.read_text()}"
        )

    def follow(self, step: Step) -> None:
        """The block prints what stands below it. Raises AssertionError."""
        output = self.run(step.block)
        if not step.answers:
            assert PROBLEM not in output, f"{step.block.place} is refused: {output}"
        for answer in step.answers:
            found = differences(answer.kind, answer.text, output)
            assert found == [], f"{answer.place}: {found}\n{output}"

    def _send(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def _end(self) -> None:
        """Nothing runs any more that a block began."""
        try:
            os.killpg(self._shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _environment(self) -> dict[str, str]:
        (self._directory / "docs").symlink_to(DOCS)
        programs = self._directory / "bin"
        programs.mkdir()
        (programs / "python3").symlink_to(sys.executable)
        (programs / "fluxrate").symlink_to(Path(sys.executable).with_name("fluxrate"))
        if shutil.which("curl") is None:
            (programs / "curl").write_text(f"#!{sys.executable}\n{CURL.read_text()}")
            (programs / "curl").chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "NO_PROXY": "127.0.0.1"}

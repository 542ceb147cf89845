"""Whether what is generated is of this document, and by this generator."""

from __future__ import annotations

import fcntl
import hashlib
import json
from pathlib import Path
from typing import Any

from clients.generator.document import CLIENTS, NAMES, print_document
from clients.generator.python import PACKAGE, write_python
from clients.generator.typescript import write_typescript

STAMP = PACKAGE / ".made-of"


def make_current() -> None:
    """What is generated is as the product says; nothing is written if it already was."""
    document = print_document()
    digest = digest_of(document)
    with STAMP.open("a+") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)  # processes of one test run ask at the same time
        if STAMP.read_text() == digest:
            return
        write_python(document)
        write_typescript(document)
        STAMP.write_text(digest)


def digest_of(document: dict[str, Any]) -> str:
    """Of all that makes the generated modules."""
    digest = hashlib.sha256(json.dumps(document).encode())
    for path in (NAMES, *sorted(Path(CLIENTS / "generator").rglob("*.py*"))):
        if path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()

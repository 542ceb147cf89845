"""Whether what is generated is of this document, and by this generator."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from api.document.names import NAMES
from clients.generator.places import GENERATOR, MADE, PACKAGE, ROOT

STAMP: Final = PACKAGE / ".made-of"
DESCRIBED_BY: Final = ("api", "billing", "integrations", "models", "repositories", "services")
"""Packages of the product that the document is made of."""


def make_current() -> None:
    """What is generated is as the product says; nothing is written if it already was.

    That is seen in some hundredths of a second while no file has changed. After a change the
    document is printed, and compared with the one that the clients were made of.
    """
    with STAMP.open("a+") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)  # processes of one test run ask at the same time
        known = STAMP.read_text().split() if is_complete() else []
        seen = digest_of_files()
        if known[:1] == [seen]:
            return
        made_of = _make(known)
        STAMP.write_text(f"{seen}\n{made_of}\n")


def is_complete() -> bool:
    """Whether every module that is made is there."""
    return all((PACKAGE / name).exists() for name in MADE)


def _make(known: list[str]) -> str:
    """The digest of the document, whose clients are there."""
    # The product is imported when it must be asked, which takes a second.
    from clients.generator.document import print_document  # noqa: PLC0415  (loaded only where it is made)
    from clients.generator.python import write_python  # noqa: PLC0415  (loaded only where it is made)
    from clients.generator.typescript import write_typescript  # noqa: PLC0415  (loaded only where it is made)

    document = print_document()
    digest = digest_of(document)
    if known[1:] != [digest]:
        write_python(document)
        write_typescript(document)
    return digest


def digest_of_files() -> str:
    """Of when each file was written that has a part in what is made."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        seen = path.stat()
        digest.update(f"{path} {seen.st_mtime_ns} {seen.st_size}\n".encode())
    return digest.hexdigest()


def digest_of(document: dict[str, Any]) -> str:
    """Of all that makes the generated modules."""
    digest = hashlib.sha256(json.dumps(document).encode())
    for path in (NAMES, *sorted(GENERATOR.rglob("*.py*"))):
        if path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield NAMES
    for folder in (GENERATOR, *(ROOT / name for name in DESCRIBED_BY)):
        for path in folder.rglob("*"):
            if path.suffix in {".py", ".toml", ".json", ".jinja", ".md"}:
                yield path

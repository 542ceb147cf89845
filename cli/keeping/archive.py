"""A backup as one file: what it holds, written sealed, and read only if it is whole."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cli.keeping.sealed_stream import NotOpened, SealedReader, SealedWriter
from cli.output import refuse

MANIFEST: Final = "manifest.json"
DATABASE_DUMP: Final = "database.dump"
TEMPORAL_COPY: Final = "temporal.sqlite"
CONFIGURATION: Final = "configuration.env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup is of. ``made_at``: all that was committed before is in it.

    ``schema`` is the newest migration of its database, ``digests`` are those of its files.
    """

    version: str
    schema: str
    made_at: str
    is_embedded: bool
    digests: dict[str, str]


@contextmanager
def private_folder(beside: Path) -> Iterator[Path]:
    """A folder of this account alone, on the same disk, that is gone afterwards."""
    beside.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".fluxrate-", dir=beside) as folder:
        yield Path(folder)


def digests_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder."""
    return {path.name: _digest(path) for path in sorted(folder.iterdir())}


def write_archive(target: Path, folder: Path, manifest: Manifest, secret_key: str) -> None:
    """The files of a folder are one sealed file, there whole or not at all, for this account."""
    part = target.with_name(f"{target.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with (
                SealedWriter(file, secret_key) as sealed,
                tarfile.open(fileobj=sealed, mode="w|") as tar,
            ):
                described = json.dumps(asdict(manifest), indent=2).encode()
                entry = tarfile.TarInfo(MANIFEST)
                entry.size = len(described)
                tar.addfile(entry, BytesIO(described))
                for path in sorted(folder.iterdir()):
                    tar.add(path, arcname=path.name, recursive=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def read_archive(source: Path, folder: Path, secret_keys: Sequence[str]) -> Manifest:
    """The folder has the files of a backup, each as it was written.

    Raises:
        Refusal: none of the keys opens it, or it is not whole.
    """
    try:
        with source.open("rb") as file, SealedReader(file, secret_keys) as sealed:
            return _unpack(sealed, folder)
    except FileNotFoundError:
        refuse(f"There is no file {source}.")
    except (NotOpened, tarfile.TarError, EOFError) as error:
        refuse(f"{source} cannot be restored: {error}")


def _unpack(sealed: SealedReader, folder: Path) -> Manifest:
    with tarfile.open(fileobj=sealed, mode="r|") as tar:
        manifest: Manifest | None = None
        for entry in tar:
            content = tar.extractfile(entry)
            if content is None or "/" in entry.name:
                raise NotOpened(f"It holds {entry.name}, which is none of ours.")
            if entry.name == MANIFEST:
                manifest = Manifest(**json.loads(content.read()))
                continue
            with (folder / entry.name).open("wb") as written:
                while block := content.read(1 << 20):
                    written.write(block)
    # To the last block, which says that nothing is missing.
    while sealed.read(1 << 20):
        pass
    if manifest is None or manifest.digests != digests_of(folder):
        raise NotOpened("Its files are not those that it names.")
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

"""``fluxrate backup``: everything that an installation is, in one sealed file."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cli.keeping.archive import (
    CONFIGURATION,
    DATABASE_DUMP,
    TEMPORAL_COPY,
    Manifest,
    digests_of,
    private_folder,
    write_archive,
)
from cli.keeping.databases import copy_temporal, dump, product_database
from cli.local.instance import Instance
from cli.output import make_console, refuse
from runtime.settings import Settings

SECRETS: Final = frozenset(
    {
        *("DATABASE_URL", "FLUXRATE_MIGRATION_DATABASE_URL", "FLUXRATE_OPERATOR_TOKEN"),
        *("FLUXRATE_PREVIOUS_SECRET_KEYS", "FLUXRATE_SECRET_KEY"),
        *("FLUXRATE_TEMPORAL_API_KEY", "FLUXRATE_TEMPORAL_CODEC_KEYS"),
    }
)
"""Settings that no backup has: keys are kept apart from what they open."""


def backup(output: Path, data_dir: Path | None, keys: Path | None) -> None:
    """Write the backup, and the keys that open it into a file of their own if one is named.

    Temporal's file is copied before the product's database: what that knows and Temporal does not
    is woken again, so that of the two the older may only be Temporal.
    """
    console = make_console()
    settings = Settings()
    instance = Instance((data_dir or settings.data_dir).absolute())
    url = None
    if data_dir is None:
        url = settings.migration_database_url or settings.database_url
    secret_keys = keys_of(settings, instance, is_embedded=url is None)
    began = time.monotonic()
    with private_folder(output.absolute().parent) as folder:
        with product_database(instance, url) as address:
            if url is None:
                copy_temporal(instance, folder / TEMPORAL_COPY)
            made_at = datetime.now(UTC)
            dump(address, folder / DATABASE_DUMP)
            schema = _read_schema(address)
        (folder / CONFIGURATION).write_text(_configuration())
        manifest = Manifest(
            version=version("fluxrate"),
            schema=schema,
            made_at=made_at.isoformat(),
            is_embedded=url is None,
            digests=digests_of(folder),
        )
        write_archive(output, folder, manifest, secret_keys[0])
    size = output.stat().st_size / 1024**2
    console.print(
        f"{output}: {size:,.1f} MiB after {time.monotonic() - began:.1f} s. It has all that was"
        f" committed before {made_at:%Y-%m-%d %H:%M:%S} UTC."
    )
    if keys is None:
        console.print("Only FLUXRATE_SECRET_KEY opens it. Keep that elsewhere: --keys writes it.")
    else:
        write_keys(keys, secret_keys, settings.shown_codec_keys)
        console.print(f"{keys} has the keys that open it: keep them apart from it.")


def keys_of(settings: Settings, instance: Instance, *, is_embedded: bool) -> list[str]:
    """The key in force and the earlier ones. Raises Refusal if there is none."""
    if settings.secret_key is not None:
        return [settings.secret_key.get_secret_value(), *settings.former_secret_keys]
    path = instance.secret_key_file
    if not is_embedded or not path.exists():
        refuse("Set FLUXRATE_SECRET_KEY: it seals the backup, and opens what the database holds.")
    return [path.read_text(), *settings.former_secret_keys]


def write_keys(path: Path, secret_keys: list[str], codec_keys: list[str]) -> None:
    """A file of settings with the keys, for this account alone. Raises Refusal if it is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        refuse(f"{path} is there already; name another file for the keys.")
    with os.fdopen(descriptor, "w") as file:
        file.write(f"FLUXRATE_SECRET_KEY={secret_keys[0]}\n")
        if secret_keys[1:]:
            file.write(f"FLUXRATE_PREVIOUS_SECRET_KEYS={','.join(secret_keys[1:])}\n")
        if codec_keys:
            file.write(f"FLUXRATE_TEMPORAL_CODEC_KEYS={','.join(codec_keys)}\n")


def _configuration() -> str:
    """The settings that were given, without secrets, as lines of a file ``.env``."""
    lines = Path(".env").read_text().splitlines() if Path(".env").is_file() else []
    given = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    named = given | dict(os.environ)
    return "".join(
        f"{name}={named[name]}\n" for name in sorted(setting_names() - SECRETS) if named.get(name)
    )


def setting_names() -> set[str]:
    """The variables of all settings."""
    return {
        str(field.validation_alias or f"FLUXRATE_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }


def _read_schema(url: str) -> str:
    import psycopg

    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])

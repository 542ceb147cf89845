"""What a backup must not hold, and what its file of keys does."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from cli.keeping.backup import SECRETS, setting_names, write_keys
from runtime.settings import Settings


def test_no_secret_setting_is_in_the_configuration_of_a_backup() -> None:
    secret = {
        f"FLUXRATE_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }

    assert {"FLUXRATE_SECRET_KEY", "FLUXRATE_TEMPORAL_CODEC_KEYS"} <= secret
    assert secret <= SECRETS
    assert setting_names() >= SECRETS


def test_keys_that_seal_histories_are_beside_those_that_open_the_backup(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, temporal_codec_keys=SecretStr(f"{'n' * 32}, {'o' * 32}"))

    write_keys(tmp_path / "keys", ["a" * 32], settings.shown_codec_keys)

    assert (tmp_path / "keys").read_text().splitlines() == [
        f"FLUXRATE_SECRET_KEY={'a' * 32}",
        f"FLUXRATE_TEMPORAL_CODEC_KEYS={'n' * 32},{'o' * 32}",
    ]
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0

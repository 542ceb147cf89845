"""A production installation does not begin with what everybody knows."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.setting_errors import InvalidSettings
from runtime.settings import Settings

RANDOM = "9f2c64d1b07e8a35c1d94fe2607b8a13f5d0c2e497ab3186"
SOUND = {
    "production": True,
    "secret_key": RANDOM,
    "operator_token": RANDOM[::-1],
    "public_url": "https://billing.harbor.test",
    "DATABASE_URL": f"postgresql://app:{RANDOM[8:40]}@db/fluxrate",
}
UNSOUND = {
    "no key": ({"secret_key": None}, "FLUXRATE_SECRET_KEY must be set"),
    "the key of the tests": (
        {"secret_key": "a secret that only tests know, long enough"},
        "FLUXRATE_SECRET_KEY must be random",
    ),
    "one letter": ({"secret_key": "a" * 40}, "FLUXRATE_SECRET_KEY must be random"),
    "a word of a manual": (
        {"secret_key": "change-me-change-me-change-me-change-me"},
        "FLUXRATE_SECRET_KEY must be random",
    ),
    "no token": ({"operator_token": None}, "FLUXRATE_OPERATOR_TOKEN must be set"),
    "a made-up token": (
        {"operator_token": "operator-operator-operator-operator"},
        "FLUXRATE_OPERATOR_TOKEN must be random",
    ),
    "http": ({"public_url": "http://billing.harbor.test"}, "FLUXRATE_PUBLIC_URL must begin"),
    "private webhooks": (
        {"allow_private_webhooks": True},
        "FLUXRATE_ALLOW_PRIVATE_WEBHOOKS must be false",
    ),
    "a password of an example": (
        {"DATABASE_URL": "postgresql://fluxrate:fluxrate@db/fluxrate"},
        "The password in DATABASE_URL must be random",
    ),
    "a short password": (
        {"migration_database_url": "postgresql://owner:h7K!x2@db/fluxrate"},
        "The password in FLUXRATE_MIGRATION_DATABASE_URL must be random",
    ),
}


def settings(**changed: Any) -> Settings:
    return Settings(_env_file=None, **(SOUND | changed))


def test_sound_settings_begin() -> None:
    assert settings().production


def test_database_without_a_password_is_the_servers_business() -> None:
    assert settings(DATABASE_URL="postgresql:///fluxrate?host=/run/postgresql").production


@pytest.mark.parametrize(("changed", "sentence"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_setting_is_refused_by_name_alone(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        settings(**changed)

    assert sentence in str(refused.value)
    assert str(refused.value).count("\n") == 0
    for value in changed.values():
        assert str(value) not in str(refused.value) or len(str(value)) < 12


@pytest.mark.parametrize(("changed", "_sentence"), UNSOUND.values(), ids=UNSOUND)
def test_all_of_it_may_be_used_for_development(changed: dict[str, Any], _sentence: str) -> None:
    assert not settings(production=False, **changed).production

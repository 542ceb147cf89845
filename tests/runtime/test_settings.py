"""A setting that nothing can run with is named, with what it may be."""

from __future__ import annotations

import pytest

from runtime.setting_errors import InvalidSettings
from runtime.settings import Settings

SHORT = "FLUXRATE_{} must be at least 32 characters long, for example from `openssl rand -hex 32`."


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("FLUXRATE_TRACE_SHARE", "2", "FLUXRATE_TRACE_SHARE must be a number from 0 to 1."),
        ("FLUXRATE_TRACE_SHARE", "all", "FLUXRATE_TRACE_SHARE must be a number from 0 to 1."),
        (
            "FLUXRATE_LOG_LEVEL",
            "loud",
            "FLUXRATE_LOG_LEVEL must be debug, info, warning or error.",
        ),
        (
            "FLUXRATE_TEMPORAL_CODEC_KEYS",
            "short",
            (
                "FLUXRATE_TEMPORAL_CODEC_KEYS must be at least 32 characters long, for example"
                " from `openssl rand -hex 32`."
            ),
        ),
        ("FLUXRATE_SIGNUP", "bogus", "FLUXRATE_SIGNUP must be open, first or closed."),
        (
            "FLUXRATE_DATABASE_POOL_SIZE",
            "0",
            "FLUXRATE_DATABASE_POOL_SIZE must be a whole number of at least 1.",
        ),
        (
            "FLUXRATE_MAX_BACKDATE_DAYS",
            "many",
            "FLUXRATE_MAX_BACKDATE_DAYS must be a whole number from 0 to 36500.",
        ),
        (
            "FLUXRATE_MAX_BACKDATE_DAYS",
            "36501",
            "FLUXRATE_MAX_BACKDATE_DAYS must be a whole number from 0 to 36500.",
        ),
        (
            "FLUXRATE_WORKFLOW_SANDBOX",
            "maybe",
            "FLUXRATE_WORKFLOW_SANDBOX must be true or false.",
        ),
        (
            "DATABASE_URL",
            "mysql://x",
            "DATABASE_URL must be an address that begins with postgresql://.",
        ),
        ("TEMPORAL_ADDRESS", "temporal", "TEMPORAL_ADDRESS must be host:port."),
        ("TEMPORAL_ADDRESS", "http://temporal:7233", "TEMPORAL_ADDRESS must be host:port."),
        (
            "FLUXRATE_PUBLIC_URL",
            "billing.example.com",
            "FLUXRATE_PUBLIC_URL must be an address that begins with http:// or https://.",
        ),
        (
            "FLUXRATE_TRUSTED_PROXIES",
            "10.0.0.7, proxy",
            "FLUXRATE_TRUSTED_PROXIES must be addresses and networks, separated by commas.",
        ),
        ("FLUXRATE_SECRET_KEY", "short", SHORT.format("SECRET_KEY")),
        ("FLUXRATE_PREVIOUS_SECRET_KEYS", "short", SHORT.format("PREVIOUS_SECRET_KEYS")),
    ],
)
def test_wrong_setting_is_named_with_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(InvalidSettings) as refused:
        Settings(_env_file=None)

    assert str(refused.value) == sentence


def test_every_wrong_setting_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUXRATE_SIGNUP", "bogus")
    monkeypatch.setenv("FLUXRATE_WORKER_ACTIVITY_SLOTS", "0")

    with pytest.raises(InvalidSettings) as refused:
        Settings(_env_file=None)

    assert [line.split()[0] for line in str(refused.value).splitlines()] == [
        "FLUXRATE_SIGNUP",
        "FLUXRATE_WORKER_ACTIVITY_SLOTS",
    ]


def test_empty_setting_is_as_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SIGNUP", "SECRET_KEY", "PUBLIC_URL", "AUTH_PER_MINUTE"):
        monkeypatch.setenv(f"FLUXRATE_{variable}", "")

    settings = Settings(_env_file=None)

    assert (settings.signup, settings.secret_key) == (None, None)
    assert settings.public_url == "http://127.0.0.1:8000"


def test_settings_of_the_documentation_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUXRATE_TRUSTED_PROXIES", "10.0.0.7,172.16.0.0/12")
    monkeypatch.setenv("FLUXRATE_PUBLIC_URL", "https://billing.example.com")
    monkeypatch.setenv("DATABASE_URL", "postgresql://fluxrate:x@postgres:5432/fluxrate")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("FLUXRATE_PREVIOUS_SECRET_KEYS", f"{'a' * 32}, {'b' * 32}")

    assert Settings(_env_file=None).temporal_address == "temporal:7233"

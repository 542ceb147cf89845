"""The cluster's processes have the settings that compose gives them."""

from __future__ import annotations

import pytest
import yaml

from deploy.cluster.compose import FILE, environment_of, substituted
from deploy.helm.settings import UNUSED, setting_names
from runtime.settings import Settings

ANSWERS = {
    "POSTGRES_PASSWORD": "1f3870be274f6c49b3e31a0c",
    "POSTGRES_PROCESS_PASSWORD": "8fa14cdd754f91cc6554c9e7",
    "FLUXRATE_SECRET_KEY": "0cc175b9c0f1b6a831c399e269772661",
    "FLUXRATE_OPERATOR_TOKEN": "92eb5ffee6ae2fec3ad71c777531578f",
    "FLUXRATE_PUBLIC_URL": "https://billing.example.com",
}

USUAL_SHARES = 1024
"""What a container has of the processors that says nothing about it."""


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${GIVEN}", "there"),
        ("${GIVEN:-other}", "there"),
        ("${GIVEN:?say it}", "there"),
        ("${MISSING}", ""),
        ("${MISSING:-0.0.0.0:9464}", "0.0.0.0:9464"),
        ("${MISSING:-}", ""),
        ("postgresql://a:${GIVEN}@b/${MISSING:-c}", "postgresql://a:there@b/c"),
    ],
)
def test_what_is_answered_is_filled_in_and_else_the_default(text: str, filled: str) -> None:
    assert substituted(text, {"GIVEN": "there"}) == filled


def test_what_compose_insists_on_is_missed() -> None:
    with pytest.raises(KeyError, match="FLUXRATE_SECRET_KEY: set it"):
        substituted("${FLUXRATE_SECRET_KEY:?set it in .env}", {})


@pytest.mark.parametrize("service", ["migrate", "api", "worker"])
def test_compose_gives_settings_with_which_production_begins(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(service, ANSWERS)
    known = {field.validation_alias for field in Settings.model_fields.values()}
    known |= {f"FLUXRATE_{name.upper()}" for name in Settings.model_fields}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert set(environment) <= known
    assert Settings(_env_file=None).production is True


@pytest.mark.parametrize("service", ["api", "worker"])
def test_compose_hands_on_every_setting(service: str) -> None:
    """One that stands in ``.env`` and is not handed on does nothing, and nobody is told."""
    handed = set(environment_of(service, ANSWERS))
    elsewhere = {"FLUXRATE_MIGRATION_DATABASE_URL", "FLUXRATE_WORKER_METRICS"}

    assert setting_names() - UNUSED - elsewhere - handed == set()


def test_copy_that_is_looked_at_is_quiet_under_compose_too() -> None:
    answers = ANSWERS | {"FLUXRATE_OUTBOUND": "off"}

    told = {service: environment_of(service, answers) for service in ("api", "worker")}

    assert {one["FLUXRATE_OUTBOUND"] for one in told.values()} == {"off"}


def test_what_bills_has_a_tenth_of_the_processor_beside_what_answers() -> None:
    """Niceness tells processes of one container apart, and no container from another."""
    services = yaml.safe_load(FILE.read_text())["services"]
    shares = {name: one.get("cpu_shares", USUAL_SHARES) for name, one in services.items()}

    assert {shares[name] for name in ("api", "postgres")} == {USUAL_SHARES}
    assert {shares[name] for name in ("worker", "temporal", "temporal-postgres")} == {102}

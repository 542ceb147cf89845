"""The chart's files agree with one another, with the product's settings and with compose."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.helm.settings import (
    CHART,
    PLACED,
    free_names,
    listed_names,
    secret_names,
    setting_names,
)
from deploy.helm.settings import SCHEMA as SCHEMA_FILE
from runtime.settings import Settings
from tests.architecture.sources import ROOT
from tests.deploy.charts import NAMED, VALUE, VALUES, read_yaml, templates, values_of

SCHEMA = json.loads(SCHEMA_FILE.read_text())


def findings(values: Any) -> list[str]:
    """What the schema refuses, by the place of each."""
    found = jsonschema.Draft7Validator(SCHEMA).iter_errors(values)
    return sorted(".".join(map(str, one.absolute_path)) for one in found)


def test_schema_is_one_and_takes_the_examples() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    assert {name: findings(values_of(name)) for name in VALUES} == {"minimal": [], "full": []}


def test_defaults_lack_just_what_nobody_can_guess() -> None:
    assert findings(read_yaml(CHART / "values.yaml")) == [
        "database.existingSecret",
        "publicUrl",
        "secrets.existingSecret",
        "temporal.address",
    ]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("publicUrl", "http://billing.example.com"),
        ("temporal.address", "temporal"),
        ("temporal.adress", "temporal:7233"),
        ("api.replicas", 0),
        ("api.replica", 2),
        ("worker.processes", "two"),
        ("image.digest", "latest"),
        ("settings.FLUXRATE_SIGNUPS", "closed"),
        ("settings.FLUXRATE_SECRET_KEY", "in plain text"),
        ("settings.FLUXRATE_PREVIOUS_SECRET_KEYS", "in plain text"),
        ("secrets.optionalKeys.FLUXRATE_SIGNUP", "signup"),
        ("settings.DATABASE_URL", "postgresql://in-plain-text"),
    ],
)
def test_schema_refuses(place: str, value: Any) -> None:
    values = values_of("minimal")
    *parts, name = place.split(".")
    inner = values
    for part in parts:
        inner = inner[part]
    inner[name] = value

    assert findings(values) != []


def test_every_value_has_a_place_in_the_schema_and_a_default() -> None:
    assert places(SCHEMA) == keys(read_yaml(CHART / "values.yaml")) | {"global"}


def places(schema: dict[str, Any], before: str = "") -> set[str]:
    found = set()
    for name, inner in schema.get("properties", {}).items():
        deeper = places(inner, f"{before}{name}.")
        found |= deeper or {f"{before}{name}"}
    return found


def keys(values: dict[str, Any], before: str = "") -> set[str]:
    found = set()
    for name, inner in values.items():
        place = f"{before}{name}"
        is_open = name == "resources" or not isinstance(inner, dict) or not inner
        found |= {place} if is_open else keys(inner, f"{place}.")
    return found


def test_templates_ask_for_values_that_there_are() -> None:
    defaults = read_yaml(CHART / "values.yaml")
    unknown = {
        (name, place)
        for name, text in templates().items()
        for place in VALUE.findall(text)
        if not is_there(defaults, place.removeprefix(".").split("."))
    }

    assert unknown == set()


def is_there(values: Any, parts: list[str]) -> bool:
    for part in parts:
        if part.startswith("FLUXRATE_"):  # one of the settings
            return True
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def test_templates_name_settings_that_there_are() -> None:
    named = {name for text in templates().values() for name in NAMED.findall(text)}

    assert named == PLACED | {"FLUXRATE_PRODUCTION"}
    assert named <= setting_names()


def test_every_setting_can_be_set() -> None:
    wanted = (free_names(), secret_names())

    assert listed_names(SCHEMA) == wanted, "`make reference` writes the names again"


def test_values_of_secrets_are_not_among_the_settings() -> None:
    assert "FLUXRATE_PREVIOUS_SECRET_KEYS" in secret_names()
    endings = ("_SECRET_KEY", "_KEYS", "_TOKEN", "_PASSWORD", "_SECRET")
    assert [one for one in free_names() if one.endswith(endings)] == []


def test_whatever_compose_sets_the_chart_can() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    ours = {name for one in ("migrate", "api", "worker") for name in services[one]["environment"]}

    assert ours
    assert ours - PLACED - set(free_names()) - set(secret_names()) == set()


def test_production_begins_with_what_the_example_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in values_of("full")["settings"].items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("FLUXRATE_PUBLIC_URL", values_of("full")["publicUrl"])
    monkeypatch.setenv("FLUXRATE_SECRET_KEY", "0cc175b9c0f1b6a831c399e269772661")
    monkeypatch.setenv("FLUXRATE_OPERATOR_TOKEN", "92eb5ffee6ae2fec3ad71c777531578f")

    assert Settings(_env_file=None).production is True


def test_chart_is_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert read_yaml(CHART / "Chart.yaml")["appVersion"] == project["version"]


def test_secrets_have_no_value_in_the_chart() -> None:
    text = (CHART / "values.yaml").read_text() + "".join(templates().values())

    assert "kind: Secret" not in text
    assert "postgresql://fluxrate_processes:…@" in text
    assert text.count("://fluxrate") == 1

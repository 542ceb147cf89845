"""Names of settings, as the chart's schema lists them: a misspelt one is refused by ``helm``.

``python -m deploy.helm.settings`` writes them again, out of the settings of the product.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from runtime.settings import Settings

CHART: Final = Path(__file__).parent / "fluxrate"
SCHEMA: Final = CHART / "values.schema.json"

PLACED: Final = frozenset(
    {
        "DATABASE_URL",
        "FLUXRATE_API_REPLICAS",
        "FLUXRATE_MIGRATION_DATABASE_URL",
        "FLUXRATE_OPERATOR_TOKEN",
        "FLUXRATE_PUBLIC_URL",
        "FLUXRATE_SECRET_KEY",
        "FLUXRATE_TEMPORAL_TLS",
        "FLUXRATE_TEMPORAL_TLS_CA",
        "FLUXRATE_TEMPORAL_TLS_CERTIFICATE",
        "FLUXRATE_TEMPORAL_TLS_KEY",
        "FLUXRATE_TEMPORAL_TLS_NAME",
        "FLUXRATE_TEMPORAL_UI_URL",
        "FLUXRATE_WORKER_METRICS",
        "TEMPORAL_ADDRESS",
        "TEMPORAL_NAMESPACE",
    }
)
"""Settings for which the values have a place of their own."""

UNUSED: Final = frozenset({"FLUXRATE_DATA_DIR"})
"""Of installations by ``fluxrate up`` alone."""


def setting_names() -> frozenset[str]:
    """The environment variables that the product reads."""
    return frozenset(map(_name_of, Settings.model_fields))


def secret_names() -> list[str]:
    """Those whose values are only in a Secret, and which an installation may do without."""
    fields = Settings.model_fields.items()
    secrets = {_name_of(name) for name, field in fields if "SecretStr" in str(field.annotation)}
    return sorted(secrets - PLACED)


def free_names() -> list[str]:
    """Those that operators write into the values by their names."""
    return sorted(setting_names() - PLACED - UNUSED - set(secret_names()))


def listed_names(schema: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Free ones and secret ones that the schema takes, besides those of OpenTelemetry."""
    free = schema["properties"]["settings"]
    secret = schema["properties"]["secrets"]["properties"]["optionalKeys"]
    return free["propertyNames"]["anyOf"][0]["enum"], secret["propertyNames"]["anyOf"][0]["enum"]


def write_schema() -> None:
    """The schema takes every setting of this version."""
    schema = json.loads(SCHEMA.read_text())
    free, secret = listed_names(schema)
    free[:], secret[:] = free_names(), secret_names()
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n")


def _name_of(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return str(alias or f"FLUXRATE_{field.upper()}")


if __name__ == "__main__":
    write_schema()

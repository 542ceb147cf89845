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
        "FLUXRATE_MIGRATION_DATABASE_URL",
        "FLUXRATE_OPERATOR_TOKEN",
        "FLUXRATE_PREVIOUS_SECRET_KEYS",
        "FLUXRATE_PUBLIC_URL",
        "FLUXRATE_SECRET_KEY",
        "FLUXRATE_TEMPORAL_UI_URL",
        "FLUXRATE_WORKER_METRICS",
        "TEMPORAL_ADDRESS",
        "TEMPORAL_NAMESPACE",
    }
)
"""Settings for which the values have a place of their own, secrets among them."""

UNUSED: Final = frozenset({"FLUXRATE_DATA_DIR"})
"""Of installations by ``fluxrate up`` alone."""


def setting_names() -> frozenset[str]:
    """The environment variables that the product reads."""
    return frozenset(
        str(field.validation_alias or f"FLUXRATE_{name.upper()}")
        for name, field in Settings.model_fields.items()
    )


def free_names() -> list[str]:
    """Those that operators set by their names."""
    return sorted(setting_names() - PLACED - UNUSED)


def listed_names(schema: dict[str, Any]) -> list[str]:
    """Those that the schema takes."""
    return list(schema["properties"]["settings"]["propertyNames"]["enum"])


def write_schema() -> None:
    """The schema takes every setting of this version."""
    schema = json.loads(SCHEMA.read_text())
    schema["properties"]["settings"]["propertyNames"]["enum"] = free_names()
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n")


if __name__ == "__main__":
    write_schema()

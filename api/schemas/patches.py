"""Bodies of edits: what they leave out stays."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from api.schemas.common import Schema


def _without_defaults(schema: dict[str, Any]) -> None:
    for described in schema.get("properties", {}).values():
        described.pop("default", None)


class Patch(Schema):
    """New values. The defaults of its fields stand in for what is absent, so nothing shows them."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that the body holds, null or not.

        ``effective`` is none of what is edited: it says from when the edit counts.
        """
        return frozenset(self.model_fields_set - {"effective"})

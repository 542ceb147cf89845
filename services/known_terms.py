"""Terms of plan versions that this process has read: they never change, so none is read twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from billing.errors import InvariantBroken
from billing.receipts import from_document
from billing.terms import PlanTerms

MOST_VERSIONS: Final = 10_000

VersionKey = tuple[UUID, UUID, int]
"""Organization, plan and version."""


class KnownTerms:
    """Plan versions by organization, plan and number; about 10,000 of them."""

    def __init__(self) -> None:
        self._known: dict[VersionKey, PlanTerms] = {}

    def unknown(self, keys: Iterable[VersionKey]) -> list[VersionKey]:
        """The versions that have to be read, each once."""
        if len(self._known) > MOST_VERSIONS:
            self._known.clear()
        return [key for key in dict.fromkeys(keys) if key not in self._known]

    def remember(self, documents: Mapping[VersionKey, object]) -> None:
        """Keep versions that were read."""
        for key, document in documents.items():
            self._known[key] = from_document(PlanTerms, document)

    def get(self, key: VersionKey) -> PlanTerms:
        """The terms of a version that is known. Raises InvariantBroken."""
        terms = self._known.get(key)
        if terms is None:
            raise InvariantBroken(f"Plan {key[1]} has no version {key[2]}.", plan_id=str(key[1]))
        return terms

"""Terms of plan versions that this process has read: they never change, so none is read twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection

from billing.errors import InvariantBroken
from billing.receipts import from_document
from billing.terms import PlanTerms
from repositories import entitlements

MOST_VERSIONS: Final = 10_000

VersionKey = tuple[UUID, UUID, int]
"""Organization, plan and version."""


class KnownTerms:
    """Plan versions by organization, plan and number; at most 10,000 of them."""

    def __init__(self) -> None:
        self._known: dict[VersionKey, PlanTerms] = {}

    def find(self, key: VersionKey) -> PlanTerms | None:
        """The terms, if they were read before."""
        return self._known.get(key)

    async def load(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        versions: Iterable[tuple[UUID, int]],
    ) -> dict[tuple[UUID, int], PlanTerms]:
        """The terms of these versions; only unknown ones are read. Raises InvariantBroken."""
        wanted = set(versions)
        unknown = [one for one in wanted if (organization_id, *one) not in self._known]
        if unknown:
            documents = await entitlements.list_terms(connection, organization_id, unknown)
            self._remember(organization_id, documents)
        return {one: self._get((organization_id, *one)) for one in wanted}

    def _remember(self, organization_id: UUID, documents: dict[tuple[UUID, int], object]) -> None:
        if len(self._known) + len(documents) > MOST_VERSIONS:
            self._known.clear()
        for (plan_id, version), document in documents.items():
            self._known[organization_id, plan_id, version] = from_document(PlanTerms, document)

    def _get(self, key: VersionKey) -> PlanTerms:
        terms = self._known.get(key)
        if terms is None:
            raise InvariantBroken(f"Plan {key[1]} has no version {key[2]}.", plan_id=str(key[1]))
        return terms

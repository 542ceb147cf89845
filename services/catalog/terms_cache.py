"""Terms of plan versions that this process has read: they never change, so none is read twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final
from uuid import UUID

from cachetools import FIFOCache

from billing.errors import InvariantBroken
from billing.invoicing.receipts import from_document
from billing.rating.terms import PlanTerms

MOST_VERSIONS: Final = 10_000

VersionKey = tuple[UUID, UUID, int]
"""Organization, plan and version."""

Read = Callable[[list[VersionKey]], Awaitable[Mapping[VersionKey, object]]]
"""The documents of versions, from the database."""


class TermsCache:
    """The newest plan versions that were read, by organization, plan and number."""

    def __init__(self, *, most: int = MOST_VERSIONS) -> None:
        self._cached: FIFOCache[VersionKey, PlanTerms] = FIFOCache(most)

    def __len__(self) -> int:
        return len(self._cached)

    async def find(self, keys: Iterable[VersionKey], read: Read) -> dict[VersionKey, PlanTerms]:
        """The terms of these versions, those that are not cached read at once and kept.

        What is returned is the caller's: whatever others read meanwhile cannot take it away.
        Raises InvariantBroken if a version does not exist.
        """
        wanted = list(dict.fromkeys(keys))
        found = {key: self._cached[key] for key in wanted if key in self._cached}
        missing = [key for key in wanted if key not in found]
        if missing:
            for key, document in (await read(missing)).items():
                found[key] = from_document(PlanTerms, document)
                self._cached[key] = found[key]
        for organization_id, plan_id, version in missing:
            if (organization_id, plan_id, version) not in found:
                raise InvariantBroken(
                    f"Plan {plan_id} has no version {version}.", plan_id=str(plan_id)
                )
        return found

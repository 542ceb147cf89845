"""What changed from one version of a plan to the next, charge by charge, and of all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.invoicing.receipts import Document, to_document
from billing.rating.terms import PlanTerms

Values = Mapping[str, Document]


class TermPart(StrEnum):
    """What of a plan's terms changed."""

    PLAN = "plan"
    CHARGE = "charge"
    FEATURE = "feature"
    COMMITMENT = "commitment"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermChange:
    """A part of the terms, before and after: all of it where it came or went, else what differs.

    Units: amounts and quantities are text, prices in major units.
    """

    part: TermPart
    id: UUID
    name: str | None
    before: Values | None
    after: Values | None


_OF_THE_PLAN: Final = frozenset({"charges", "features", "commitments", "plan_id", "version"})
"""What is told part by part, and what every version has of its own."""


def list_term_changes(before: PlanTerms | None, after: PlanTerms) -> tuple[TermChange, ...]:
    """What is different; ``before`` is None for the first version, all of whose terms are new."""
    old = {} if before is None else _parts_of(before)
    new = _parts_of(after)
    return tuple(
        change
        for key in [*old, *(one for one in new if one not in old)]
        for change in _compare(key, old.get(key), new.get(key))
    )


_Key = tuple[TermPart, UUID]


def _compare(key: _Key, old: Values | None, new: Values | None) -> Iterator[TermChange]:
    if old == new:
        return
    named = new if new is not None else old
    name = None if named is None else named.get("display_name") or named.get("name")
    if old is not None and new is not None:
        differing = [one for one in new if old.get(one) != new[one]]
        old, new = ({one: values.get(one) for one in differing} for values in (old, new))
    part, identifier = key
    yield TermChange(
        part=part,
        id=identifier,
        name=name if isinstance(name, str) else None,
        before=old,
        after=new,
    )


def _parts_of(terms: PlanTerms) -> dict[_Key, Values]:
    document = to_document(terms)
    assert isinstance(document, dict)
    whole = {name: value for name, value in document.items() if name not in _OF_THE_PLAN}
    parts: dict[_Key, Values] = {(TermPart.PLAN, UUID(str(terms.plan_id))): whole}
    for charge in terms.charges:
        parts[TermPart.CHARGE, UUID(str(charge.charge_id))] = _document(charge)
    for feature in terms.features:
        parts[TermPart.FEATURE, UUID(str(feature.feature_id))] = _document(feature)
    for commitment in terms.commitments:
        parts[TermPart.COMMITMENT, commitment.commitment_id] = _document(commitment)
    return parts


def _document(value: object) -> Values:
    document = to_document(value)
    assert isinstance(document, dict)
    return document

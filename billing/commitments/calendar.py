"""Which periods of a subscription make a term of a commitment, and with which one it ends.

A term begins with the first period that is billed by a version with the commitment, and has so many
regular periods, each whole or in parts. It ends early with the last period that has the commitment:
the plan was changed, the commitment was ended, or the subscription is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedPeriod:
    """A period of a subscription, with the commitments of the version that bills it.

    ``regular`` is the regular period that it is, or is a part of; ``ends_regular`` says whether
    that ends with it.
    """

    index: int
    regular: Period
    ends_regular: bool
    commitment_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The periods of a term, in their order; ``is_over`` if the last one ends it."""

    indexes: tuple[int, ...]
    is_over: bool


def terms_of(
    periods: Sequence[CommittedPeriod], commitment_id: UUID, term_periods: int, *, is_last: bool
) -> list[Term]:
    """Give the terms of a commitment over the periods of a subscription, which are in order.

    ``is_last`` says whether the commitment is over with the last one of them. Worked example:
    terms of two of five months are (0, 1), (2, 3) and (4), of which the last one still runs.
    """
    terms: list[Term] = []
    running: list[CommittedPeriod] = []
    for one in periods:
        if commitment_id not in one.commitment_ids:
            _end(terms, running)
            continue
        if running and _has_all(running, term_periods) and running[-1].regular != one.regular:
            # What follows a part that was cut for good begins a regular period of its own.
            _end(terms, running)
        running.append(one)
        if one.ends_regular and _has_all(running, term_periods):
            _end(terms, running)
    if running:
        terms.append(Term(indexes=_indexes(running), is_over=is_last))
    return terms


def _end(terms: list[Term], running: list[CommittedPeriod]) -> None:
    if running:
        terms.append(Term(indexes=_indexes(running), is_over=True))
        running.clear()


def _has_all(running: Sequence[CommittedPeriod], term_periods: int) -> bool:
    return len({one.regular for one in running}) >= term_periods


def _indexes(running: Sequence[CommittedPeriod]) -> tuple[int, ...]:
    return tuple(one.index for one in running)

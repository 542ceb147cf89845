"""Database constraints, named and translated: the last guard answers like the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import IntegrityError as DriverIntegrityError
from sqlalchemy.exc import IntegrityError

from billing.errors import Conflict


@contextmanager
def translating(constraint: str, conflict: Conflict) -> Iterator[None]:
    """Inside the block, a violation of ``constraint`` is raised as ``conflict``; others pass."""
    try:
        yield
    except IntegrityError as error:
        if violated_constraint(error) != constraint:
            raise
        raise conflict from error


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that a statement violated, if the driver says it."""
    original = error.orig
    return original.diag.constraint_name if isinstance(original, DriverIntegrityError) else None

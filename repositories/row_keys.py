"""Rows named by a list of keys, as arrays: one statement, whatever their number."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, func, literal, select, tuple_

SubscriptionKey = tuple[UUID, UUID]
"""Organization and subscription."""

PeriodKey = tuple[UUID, UUID, int]
"""Organization, subscription and index."""


def among(keys: Collection[tuple[object, ...]], *columns: Any) -> ColumnElement[bool]:  # noqa: ANN401  (attributes of models)
    """Whether a row's columns are one of the keys."""
    names = [f"key_{place}" for place in range(len(columns))]
    arrays = [
        literal([key[place] for key in keys], ARRAY(column.type))
        for place, column in enumerate(columns)
    ]
    named = func.unnest(*arrays).table_valued(*names).render_derived()
    return tuple_(*columns).in_(select(*(named.c[name] for name in names)))

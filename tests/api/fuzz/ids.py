"""Ids that exist: of things that an organization was furnished with, and of those it got since."""

from __future__ import annotations

import random
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from api.document.operations import Document

MOST: Final = 30
"""Of each kind, the latest; older ones make room."""

PARTS: Final = {"line_items": "line_id", "charges": "charge_id", "features": "plan_feature_id"}
"""Lists within an answer, with what the ids of their rows are called in paths."""

_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class IdNames:
    """What the id in an answer of a path is called: ``/customers`` answers ids of customers."""

    def __init__(self, document: Document) -> None:
        paths = list(document["paths"])
        self.in_paths = {name for path in paths for name in _PARAMETER.findall(path)}
        self._of_rows = {
            path: match[1]
            for path in paths
            for other in paths
            if (match := re.fullmatch(re.escape(path) + r"/\{(\w+)\}", other))
        }
        self._of_things = {
            path: match[1] for path in paths if (match := re.search(r"/\{(\w+)\}$", path))
        }

    def of(self, path: str) -> str | None:
        """The name of the ids that are answered at this path, if they have one."""
        return self._of_rows.get(path) or self._of_things.get(path)


class IdPool:
    """The ids of one organization by their names in paths."""

    def __init__(self, names: IdNames, furnished: Iterable[Mapping[str, str]]) -> None:
        self._names = names
        self._ids: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=MOST))
        for ids in furnished:
            for name, one in ids.items():
                self._add(name, one)

    def __contains__(self, name: str) -> bool:
        return bool(self._ids.get(name))

    def choose(self, name: str, chance: random.Random) -> str:
        """One of them."""
        return chance.choice(self._ids[name])

    def learn(self, path: str, answer: Any) -> None:
        """Everything that has an id in the answer exists."""
        own = self._names.of(path)
        rows = answer.get("data", answer) if isinstance(answer, dict) else answer
        for row in rows if isinstance(rows, list) else [rows]:
            if own and isinstance(row, dict) and isinstance(row.get("id"), str):
                self._add(own, row["id"])
        for name, one in self._within(answer):
            self._add(name, one)

    def _within(self, value: Any) -> Iterator[tuple[str, str]]:
        """Ids under their own names, and of the parts of a thing."""
        if isinstance(value, list):
            for one in value:
                yield from self._within(one)
        if not isinstance(value, dict):
            return
        for name, inner in value.items():
            if name in self._names.in_paths and name.endswith("_id") and isinstance(inner, str):
                yield name, inner
            elif name in PARTS and isinstance(inner, list):
                parts = (one.get("id") for one in inner if isinstance(one, dict))
                yield from ((PARTS[name], one) for one in parts if isinstance(one, str))
            yield from self._within(inner)

    def _add(self, name: str, one: str) -> None:
        if one not in self._ids[name]:
            self._ids[name].append(one)

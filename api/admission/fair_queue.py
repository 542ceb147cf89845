"""Who waits, party by party: parties take turns, and within one the first comes first."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items that wait, each for a party; however many of one party delay another by one turn."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, deque[Item]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        return (item for waiting in self._waiting.values() for item in waiting)

    def __contains__(self, party: Hashable) -> bool:
        return party in self._waiting

    def count_of(self, party: Hashable) -> int:
        """How many items of a party wait."""
        return len(self._waiting.get(party, ()))

    def put(self, party: Hashable, item: Item) -> None:
        """The item waits behind those of its party."""
        self._waiting.setdefault(party, deque()).append(item)
        self._count += 1

    def remove(self, party: Hashable, item: Item) -> None:
        """The item waits no longer."""
        waiting = self._waiting[party]
        waiting.remove(item)
        self._count -= 1
        if not waiting:
            del self._waiting[party]

    def peek(
        self, may: Callable[[Hashable], bool] = lambda _: True
    ) -> tuple[Hashable, Item] | None:
        """The party whose turn it is, of those that ``may`` go, with its first item."""
        party = next((party for party in self._waiting if may(party)), None)
        return None if party is None else (party, self._waiting[party][0])

    def take(self, party: Hashable) -> Item:
        """The first item of a party, whose next turn comes after those of all others."""
        waiting = self._waiting[party]
        item = waiting.popleft()
        self._count -= 1
        if waiting:
            self._waiting.move_to_end(party)
        else:
            del self._waiting[party]
        return item

    def clear(self) -> None:
        """Nobody waits."""
        self._waiting.clear()
        self._count = 0

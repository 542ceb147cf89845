"""What was sent and answered, counted; and what was wrong, each once with an example."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass
class Defect:
    """What is wrong with an operation, with the first request that showed it."""

    operation: str
    fault: str
    request: str
    answer: str
    count: int = 0


@dataclass
class Tally:
    """A run so far."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    callers: Counter[str] = field(default_factory=Counter)
    defects: dict[tuple[str, str], Defect] = field(default_factory=dict)
    told: int = 0

    @property
    def requests(self) -> int:
        """How many were answered."""
        return self.answers.total()

    def count(self, operation: str, status: int, caller: str) -> None:
        """One more."""
        self.answers[operation, status] += 1
        self.callers[caller] += 1

    def blame(self, operation: str, fault: str, request: str, answer: str) -> None:
        """Something was wrong; how numbers differ makes no difference of its own."""
        key = (operation, "".join(one for one in fault if not one.isdigit())[:160])
        defect = self.defects.setdefault(key, Defect(operation, fault, request, answer))
        defect.count += 1

    def tell_new(self, console: Console) -> None:
        """What is wrong and was not told yet."""
        for defect in list(self.defects.values())[self.told :]:
            text = (
                f"\n{defect.operation}\n  {defect.fault}\n  sent: {defect.request}\n"
                f"  answered: {defect.answer}"
            )
            console.print(text, markup=False, highlight=False)
        self.told = len(self.defects)

    def tell_answers(self, console: Console) -> None:
        """Requests by operation and status."""
        statuses = sorted({status for _, status in self.answers})
        table = Table("operation", "all", *map(str, statuses), box=None, pad_edge=False)
        for operation in dict.fromkeys(name for name, _ in sorted(self.answers)):
            table.add_row(operation, *self._row(statuses, operation))
        table.add_row("all", *self._row(statuses))
        console.print(table)

    def _row(self, statuses: list[int], operation: str | None = None) -> list[str]:
        counts = [
            sum(
                count
                for (name, status), count in self.answers.items()
                if status == wanted and operation in {None, name}
            )
            for wanted in statuses
        ]
        return [f"{sum(counts):,}", *(f"{one:,}" if one else "·" for one in counts)]

    def to_document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "requests": self.requests,
            "answers": {
                f"{operation} {status}": count
                for (operation, status), count in sorted(self.answers.items())
            },
            "callers": dict(sorted(self.callers.items())),
            "defects": [vars(one) for one in self.defects.values()],
        }

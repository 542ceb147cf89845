"""What every step of a drawn life is made of: a request, and what is expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.money.drawn.progress import Progress
from tests.money.driver import Driver
from tests.money.model import journal
from tests.money.model.journal import Request
from tests.money.model.legality import refusal
from tests.money.model.lives import State
from tests.money.model.model import Model

Thing = TypeVar("Thing")

any_place = st.integers(0, 999)


class Steps(RuleBasedStateMachine):
    """A customer of whom nothing is asked yet."""

    progress: ClassVar[Progress]
    _driver: Driver | None = None

    @property
    def driver(self) -> Driver:
        """The world, once it is opened."""
        assert self._driver is not None
        return self._driver

    def _do(self, request: Request, refused_with: str | None = None) -> None:
        """Perform it; it is refused if the model says so, and by no other code."""
        self._perform(request, (refused_with or refusal(self._model(), request),))

    def _perform(self, request: Request, expected: tuple[str | None, ...]) -> None:
        with self._telling():
            code = self.driver.perform(request)
            note(f"{request}{'' if code is None else f' ({code})'}")
            assert code in expected, f"answered {code}, expected {expected[-1]}: {request}"

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong inside is told with all that led to it."""
        try:
            yield
        except Exception as error:
            self.progress.fail(error, self.driver.requests)
            raise

    def _send(self, at: datetime, value: Decimal, meter: int, distinct: str) -> None:
        model = self._model()
        known = model.opened.meters
        chosen = known[meter % len(known)]
        self._do(
            journal.Sent(
                key=f"e{len(model.events)}",
                at=at,
                meter=chosen.name,
                value=value,
                distinct=distinct if chosen.aggregation == "UNIQUE_COUNT" else None,
            )
        )

    def _model(self) -> Model:
        return self.driver.model

    def _pick_life(self, place: int) -> str | None:
        """Mostly one that lives, seldom one that is over, of which nothing can be asked."""
        lives = self._model().lives
        living = [name for name, life in lives.items() if not life.is_over]
        return pick(list(lives) if place % 8 == 0 else living, place)

    def _live_events(self) -> list[str]:
        return [key for key, event in self._model().events.items() if not event.is_void]

    def _bills(self, *states: State) -> list[tuple[str, int]]:
        return [
            (name, index)
            for name, life in self._model().lives.items()
            for index, period in enumerate(life.periods)
            if period.state in states
        ]


def pick(things: Sequence[Thing], place: int) -> Thing | None:
    """One of them, None where there is none."""
    return things[place % len(things)] if things else None

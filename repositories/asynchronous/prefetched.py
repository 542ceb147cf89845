"""What was read beforehand, by few statements, for code that asks many questions of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

from sqlmodel import Session

P = ParamSpec("P")
Answer = TypeVar("Answer")
Row = tuple[type, object]
"""A model, and the key of one of its rows."""


class NotPrefetched(Exception):
    """Something was asked that was not read beforehand: by which function, and with what."""

    def __init__(self, read: object = None, asked: tuple[Any, ...] = ()) -> None:
        super().__init__(getattr(read, "__name__", "a statement"))
        self.read = read
        self.asked = asked


class Prefetched(Session):
    """A session without a connection, which has answers that were read beforehand.

    The same code runs with it as with any other, off the event loop and on it. Whatever that asks
    besides, as it does where a case is unusual, raises NotPrefetched.
    """

    def __init__(self, rows: Mapping[Row, object]) -> None:
        super().__init__()
        self._rows = rows
        self._answers: dict[object, Callable[..., Any]] = {}

    def know(
        self, read: Callable[Concatenate[Session, P], Answer], answer: Callable[P, Answer]
    ) -> None:
        """What a function gives that is :func:`prefetchable`, by what it is asked with."""
        self._answers[read] = answer

    def know_one(
        self,
        read: Callable[Concatenate[Session, P], Answer],
        expected: tuple[Any, ...],
        answer: Answer,
    ) -> None:
        """What such a function gives that is asked this, and nothing else."""

        def answer_it(*asked: P.args, **more: P.kwargs) -> Answer:
            if (*asked, *more.values()) != expected:
                raise NotPrefetched(read, asked)
            return answer

        self.know(read, answer_it)

    def answer(self, read: Callable[..., Answer], *asked: object, **more: object) -> Answer:
        """What the function would give. Raises NotPrefetched."""
        if read not in self._answers:
            raise NotPrefetched(read, asked)
        answer: Answer = self._answers[read](*asked, **more)
        return answer

    def get(self, entity: Any, ident: Any, **_options: object) -> Any:  # noqa: ANN401  (as the session has it)
        """A row by its key. Raises NotPrefetched."""
        if (entity, ident) not in self._rows:
            raise NotPrefetched(entity, (ident,))
        return self._rows[entity, ident]

    def get_bind(self, *_arguments: object, **_more: object) -> NoReturn:
        """Every statement asks for a connection first. Raises NotPrefetched."""
        raise NotPrefetched


def prefetchable(
    read: Callable[Concatenate[Session, P], Answer],
) -> Callable[Concatenate[Session, P], Answer]:
    """Decorate a read so that a prefetched session answers in its place."""

    @wraps(read)
    def ask(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        if isinstance(session, Prefetched):
            return session.answer(ask, *args, **kwargs)
        return read(session, *args, **kwargs)

    return ask

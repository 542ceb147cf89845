"""Engines that go from one module of tests to the next.

What SQLAlchemy makes of a statement belongs to an engine. With an engine of its own every module
would have hundreds of statements made anew, which takes longer than most of its tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, QueuePool, event, make_url

from runtime.database.engine import create_application_engine, sqlalchemy_url

_RESTING: Final[list[Engine]] = []
"""Those that nobody uses at the moment; their connections stay as long as their database does."""


@contextmanager
def kept_engine(url: str, *, pool_size: int = 10) -> Iterator[Engine]:
    """The product's engine on this database, while the block runs.

    Whoever listens to it stops listening in time: it is somebody else's afterwards.
    """
    engine = _take(url, pool_size) or _make(url, pool_size)
    yield engine
    if _pool_of(engine).checkedout():
        engine.dispose()
    _RESTING.append(engine)


def forget_engines(database: str) -> None:
    """No engine that rests has a connection to the database, which goes."""
    for engine in _RESTING:
        if engine.url.database == database:
            engine.dispose()


def _take(url: str, pool_size: int) -> Engine | None:
    """One that rests, if possible with connections to this database."""
    wanted = make_url(sqlalchemy_url(url))
    fitting = [one for one in _RESTING if _pool_of(one).size() == pool_size]
    if not fitting:
        return None
    engine = next((one for one in fitting if one.url == wanted), fitting[0])
    _RESTING.remove(engine)
    if engine.url != wanted:
        engine.dispose()
        engine.url = wanted
    return engine


def _make(url: str, pool_size: int) -> Engine:
    engine = create_application_engine(url, pool_size=pool_size)
    # A process of tests asks for more different statements than one of the product.
    engine.update_execution_options(compiled_cache={})
    [connect] = engine.dialect.dispatch.do_connect

    # Called before the product's own, which makes the connection: events have no other order.
    def go_along(dialect: Any, record: Any, words: Any, named: dict[str, Any]) -> Any:
        return connect(dialect, record, words, named | {"dbname": engine.url.database})

    event.remove(engine, "do_connect", connect)
    event.listen(engine, "do_connect", go_along)

    return engine


def _pool_of(engine: Engine) -> QueuePool:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool

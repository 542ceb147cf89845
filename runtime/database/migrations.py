"""Bring a database's schema to a revision. Safe to run from several processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool, text

import migrations
from runtime.database.engine import sqlalchemy_url

LOCK = 7_305_813_220_217_774_001
"""Advisory lock held while migrating: the second process waits and finds nothing left to do."""


def migration_config(url: str) -> Config:
    """Alembic's configuration for one database, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("sqlalchemy.url", sqlalchemy_url(url).replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Upgrade the schema to ``revision``, one process at a time."""
    engine = create_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        try:
            command.upgrade(migration_config(url), revision)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
    engine.dispose()


def downgrade(url: str, revision: str) -> None:
    """Take the schema back to ``revision`` (``base``: to nothing)."""
    command.downgrade(migration_config(url), revision)

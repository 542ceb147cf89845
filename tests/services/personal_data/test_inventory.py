"""The inventory of data about people has every place of text that the database has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from repositories.personal_data.whose import WHOSE
from runtime.database.engine import create_application_engine
from runtime.settings import Settings
from services.personal_data.inventory import Fate, read_inventory, write_page

PAGE = Path(__file__).parents[3] / "docs/operators/personal-data.md"

COLUMNS = """
    SELECT table_class.relname || '.' || attribute.attname
    FROM pg_attribute AS attribute
    JOIN pg_class AS table_class ON table_class.oid = attribute.attrelid
    JOIN pg_namespace AS namespace ON namespace.oid = table_class.relnamespace
    JOIN pg_type AS kind ON kind.oid = attribute.atttypid
    LEFT JOIN pg_type AS element ON element.oid = kind.typelem AND kind.typcategory = 'A'
    WHERE namespace.nspname = 'public' AND table_class.relkind IN ('r', 'p')
        AND NOT table_class.relispartition AND table_class.relname <> 'alembic_version'
        AND attribute.attnum > 0 AND NOT attribute.attisdropped
        -- Whatever is no id, no number, no instant and no yes or no may be anything.
        AND coalesce(element.typname, kind.typname) NOT IN
            ('uuid', 'numeric', 'int2', 'int4', 'int8', 'timestamptz', 'bool', 'tstzrange')
"""


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[Engine]:
    """A database with the newest schema."""
    made = create_application_engine(module_database_url, pool_size=1)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def columns(engine: Engine) -> set[str]:
    """Every column that may hold what names a person."""
    with engine.connect() as connection:
        return set(connection.scalars(text(COLUMNS)))


def test_every_column_of_text_is_in_the_inventory(columns: set[str]) -> None:
    inventory = read_inventory()
    held = [place for one in inventory.held for place in one.places]

    assert len(held) == len(set(held))
    assert set(held) & inventory.nobody == set()
    assert columns - set(held) - inventory.nobody == set(), "say what they hold, and of whom"
    assert (set(held) | inventory.nobody) - columns == set(), "there are no such columns"


def test_an_erasure_reaches_all_that_it_is_said_to_reach() -> None:
    touched = read_inventory().with_fate(Fate.EMPTIED, Fate.DELETED, Fate.REPLACED)
    of_events = {"usage_event_key", "usage_distinct"}
    of_relays = {"outbox_message"}

    assert {place.split(".")[0] for place in touched} <= WHOSE.keys() | of_events | of_relays


def test_every_table_that_names_a_customer_is_exported(engine: Engine) -> None:
    named = "SELECT table_name FROM information_schema.columns WHERE column_name = 'customer_id'"
    with engine.connect() as connection:
        tables = set(connection.scalars(text(f"{named} AND table_schema = 'public'")))
    tables = {one for one in tables if not re.match(r"usage_event_(\d|before|after)", one)}

    assert tables - WHOSE.keys() == {"usage_distinct"}, "they are digests of what events say"


def test_the_page_for_operators_is_made_of_the_inventory() -> None:
    page = PAGE.read_text()

    assert write_page(page) == page, "`make reference` writes it again"


def test_every_period_that_is_named_can_be_set() -> None:
    named = set(re.findall(r"FLUXRATE_([A-Z_]+)", PAGE.read_text()))

    assert {name.lower() for name in named} <= Settings.model_fields.keys()
    assert {name for name in Settings.model_fields if "retention" in name} <= {
        name.lower() for name in named
    }

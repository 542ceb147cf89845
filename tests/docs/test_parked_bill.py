"""docs/guides/a-parked-bill.md: its commands, and the damage that an operator does by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import psycopg
import pytest

from tests.docs.pages import ANSWERS, DOCS, Step, read_page
from tests.docs.reader import Reader
from tests.scenarios.product import Product, settings_for
from tests.servers import superuser_url

PAGE = DOCS / "guides" / "a-parked-bill.md"


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """One product for this page alone: what is broken here is nobody else's."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()


def test_a_bill_is_parked_found_retried_and_given_up_as_the_page_says(
    product: Product, module_database_url: str, tmp_path: Path
) -> None:
    page = read_page(PAGE)
    assert page.begins_with is not None

    with (
        Reader(product.url, tmp_path) as reader,
        psycopg.connect(superuser_url(module_database_url), autocommit=True) as operator,
    ):
        for step in read_page(page.begins_with).steps():
            reader.follow(step)
        for place, block in enumerate(page.blocks):
            if block.kind == "sql":
                assert operator.execute(block.text.encode()).rowcount > 0, block.place
            elif block.kind == "sh":
                later = page.blocks[place + 1 :]
                answers = tuple(takewhile(lambda one: one.kind in ANSWERS, later))
                reader.follow(Step(block, answers))

"""docs/guides/webhooks.md with its receiver for Node in the place of the one in Python."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Step, read_page
from tests.docs.reader import Reader
from tests.scenarios.product import Product, settings_for

PAGE = DOCS / "guides" / "webhooks.md"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed.")


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """A product that delivers to this machine."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()


def test_the_receiver_for_node_keeps_what_it_is_told(product: Product, tmp_path: Path) -> None:
    page = read_page(PAGE)
    assert page.begins_with is not None
    [node] = [block for block in page.blocks if "run by" in block.marks]
    python, *rest = page.steps()
    assert "receiver.py" in python.block.text

    with Reader(product.url, tmp_path) as reader:
        for step in (*read_page(page.begins_with).steps(), Step(node, ()), *rest):
            reader.follow(step)

    assert not (tmp_path / "receiver.py").exists()
    assert len((tmp_path / "told.ndjson").read_text().splitlines()) == 4

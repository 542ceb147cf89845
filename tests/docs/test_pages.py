"""Every block of code in the documentation runs, or says why it does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Page, all_pages, read_page
from tests.docs.reader import Reader
from tests.scenarios.product import Product, settings_for

PAGES = all_pages()
RUNNING = [page for page in PAGES if page.steps()]
REASONS = {
    "an installation of yours": 11,
    "a machine of yours": 4,
    "an answer in outline": 2,
    "a drawing": 4,
    "an excerpt of code": 2,
    "an account with others": 4,
}
"""Why blocks are not run, and how many may say so."""
WORD = re.compile(r"[\w.-]+")


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """One product for all pages."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: str(page.path.relative_to(DOCS)))
def test_blocks_do_what_the_page_says(page: Page, product: Product, tmp_path: Path) -> None:
    before = read_page(page.begins_with).steps() if page.begins_with else []

    with Reader(product.url, tmp_path) as reader:
        for step in (*before, *page.steps()):
            reader.follow(step)


def test_every_block_runs_or_says_why_not() -> None:
    assert [place for page in PAGES for place in page.unaccounted()] == []


def test_few_blocks_are_not_run_and_their_reasons_are_known() -> None:
    reasons = Counter(
        block.marks["not run"]
        for page in PAGES
        for block in page.blocks
        if "not run" in block.marks
    )

    assert {reason for reason, count in reasons.items() if count > REASONS.get(reason, 0)} == set()


def test_tests_that_are_said_to_run_blocks_name_the_page_or_its_folder() -> None:
    named = {
        (page.path, test)
        for page in PAGES
        for test in (page.run_by, *(block.marks.get("run by") for block in page.blocks))
        if test
    }

    assert named
    assert {
        test
        for path, test in named
        if not {path.name, path.parent.name} & set(WORD.findall((DOCS.parent / test).read_text()))
    } == set()

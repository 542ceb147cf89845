"""Programs of guides that use a client, run where they stand: after the blocks before them."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import DOCS, Block, read_page
from tests.docs.reader import Reader
from tests.scenarios.product import Product

GUIDES = ("entitlements", "idempotency")
"""Guides that show the same program in each language, and below both what it prints."""


def program_of(guide: str, kind: str) -> Block:
    """The guide's program in that language, or what it prints (``text``)."""
    page = read_page(DOCS / "guides" / f"{guide}.md")
    [found] = [one for one in page.blocks if one.kind == kind and "run by" in one.marks]
    return found


def quickstart_in(kind: str) -> str:
    """The program that the tabs of a language make, one after the other."""
    page = read_page(DOCS / "quickstart.md")
    return "".join(one.text for one in page.blocks if one.kind == kind and "run by" in one.marks)


def printed_by(guide: str, program: Block, product: Product, directory: Path) -> str:
    """What the program prints in the shell of somebody who did what the guide says before it."""
    page = read_page(DOCS / "guides" / f"{guide}.md")
    assert page.begins_with is not None
    before = [step for step in page.steps() if step.block.line < program.line]
    with Reader(product.url, directory) as reader:
        for step in (*read_page(page.begins_with).steps(), *before):
            reader.follow(step)
        return reader.run(program).strip()

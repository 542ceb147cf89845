"""The site that is built of the documentation: whole, and sufficient to itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.build import build
from tests.docs.pages import DOCS

LOADED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(https?:)?//[^"]*"')
STYLE = re.compile(
    r'<link\b[^>]*\brel="(?:stylesheet|preload|preconnect)"[^>]*\bhref="https?:[^"]*"'
)
ENTRY = re.compile(r'<a href="([^"]*)" class="md-nav__link')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose links and anchors all lead somewhere, else it is not built."""
    target = tmp_path_factory.mktemp("built") / "site"
    build(target)
    return target


def test_every_page_is_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text()
    reached = {target.strip("./") for target in ENTRY.findall(home)}
    pages = {
        page.relative_to(DOCS).with_suffix("").as_posix().removesuffix("index").strip("/")
        for page in DOCS.rglob("*.md")
    }

    assert pages - reached == set()


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = [(page, page.read_text()) for page in site.rglob("*.html")]

    assert len(pages) > 80
    assert [page.name for page, text in pages if LOADED.search(text) or STYLE.search(text)] == []
    # Pictures that a script of another host would draw.
    assert [page.name for page, text in pages if 'class="mermaid"' in text] == []


def test_routes_and_commands_are_listed(site: Path) -> None:
    text = (site / "reference" / "api" / "index.html").read_text()

    assert "/api/v1/invoices/{invoice_id}/finalize" in text
    assert "fluxrate events import" in (site / "reference/commands/index.html").read_text()

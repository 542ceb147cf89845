"""Every picture is shown, is described for who does not see it, and needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.diagrams.drawings import SVG, drawings, read, words_of
from tests.docs.pages import DOCS

SHOWN = re.compile(r"!\[([^\]]+)\]\((?:\.\./)*images/diagrams/([\w-]+)\.svg\)")
LEAST_WORDS = 5
SHORTEST = 12
"""The smallest letters, in pixels, at a picture's own size."""


def texts_beside() -> dict[str, list[str]]:
    """What stands for each picture where it is not seen, on each page that shows it."""
    found: dict[str, list[str]] = {}
    for page in DOCS.rglob("*.md"):
        for words, name in SHOWN.findall(page.read_text()):
            found.setdefault(name, []).append(words)
    return found


def test_every_picture_is_shown_with_words_that_say_the_same() -> None:
    shown = texts_beside()

    assert {one.stem for one in drawings()} == shown.keys()
    assert [words for texts in shown.values() for words in texts if words.count(" ") < 3] == []


@pytest.mark.parametrize("drawing", drawings(), ids=lambda one: one.stem)
def test_a_picture_has_a_title_its_own_size_and_nothing_from_elsewhere(drawing: Path) -> None:
    root, text = read(drawing.stem), drawing.read_text()

    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert len(str(title.text).split()) >= LEAST_WORDS
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text
    assert "<image" not in text
    # Its paper is its own, so that its colours are seen in either theme.
    assert '<rect class="paper"' in text
    sizes = [int(one) for one in re.findall(r"font-size:(\d+)px", text)]
    assert min(sizes) >= SHORTEST


@pytest.mark.parametrize("drawing", drawings(), ids=lambda one: one.stem)
def test_no_words_of_a_picture_begin_outside_it(drawing: Path) -> None:
    root = read(drawing.stem)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))

    for one in root.iter(f"{SVG}text"):
        assert 0 < float(one.get("x", 0)) < width
        assert 0 < float(one.get("y", 0)) < height
    assert words_of(root)

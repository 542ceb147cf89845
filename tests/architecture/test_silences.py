"""Whoever silences a check says beside it why, in templates of code too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import BESIDE, PACKAGES, ROOT

SILENCE = re.compile(
    r"# (?:noqa(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?|type: ignore(?:\[[\w, -]+\])?)(?P<rest>.*)$",
    re.MULTILINE,
)
REASON = re.compile(r"\W*\w")


def silencing_files() -> Iterator[Path]:
    """Everything that is Python, or becomes it, but for what is made and git does not know."""
    for folder in (*PACKAGES, *BESIDE, "docs"):
        yield from (ROOT / folder).rglob("*.py")
        yield from (ROOT / folder).rglob("*.py.jinja")
    yield from (ROOT / "clients").glob("*.py")
    yield ROOT / "worker.py"


def without_reason(text: str) -> list[str]:
    """The silences of a text that say no more than what they silence."""
    return [one[0] for one in SILENCE.finditer(text) if not REASON.match(one["rest"])]


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("import x  # noqa: F401", 1),
        ("import x  # noqa", 1),
        ("x()  # type: ignore[attr-defined]", 1),
        ("x()  # type: ignore[attr-defined]  #", 1),
        ("import x  # noqa: F401, E402  (loads every table)", 0),
        ("x()  # type: ignore[attr-defined]  # the library's own name", 0),
        ("def do_GET():  # noqa: N802 - the server's name", 0),
    ],
)
def test_a_reason_is_more_than_a_code(line: str, bare: int) -> None:
    assert len(without_reason(line)) == bare


def test_every_silence_has_its_reason() -> None:
    files = list(silencing_files())
    found = {
        str(path.relative_to(ROOT)): bare
        for path in files
        if path.name != Path(__file__).name and (bare := without_reason(path.read_text()))
    }

    assert any(path.suffix == ".jinja" for path in files)
    assert found == {}

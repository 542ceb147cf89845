"""Pages of documentation as what their reader does: blocks of code, one after the other.

A ``json`` or ``text`` block after one that runs is what it answers. Marks stand in comments, which
no reader sees: why a block is not run here, or which test runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

RUN = ("sh", "python")
ANSWERS = ("json", "text")
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<kind>\w*)$")
MARK = re.compile(r"^ *<!-- (?P<name>not run|run by): (?P<value>.+) -->$")
HEAD = re.compile(r"^<!-- (?P<name>begins with|blocks run by): (?P<value>.+) -->$", re.MULTILINE)
CHECKED_TABLE = "<!-- check: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. ``marks`` are those right above it; ``next_line`` is what follows it."""

    page: Path
    line: int
    kind: str
    text: str
    marks: dict[str, str]
    next_line: str

    @property
    def place(self) -> str:
        """Where it stands, as an editor understands it."""
        return f"{self.page.relative_to(DOCS.parent)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Step:
    """A block that is run, and the blocks that say what it answers."""

    block: Block
    answers: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its blocks in order."""

    path: Path
    blocks: tuple[Block, ...]
    begins_with: Path | None
    run_by: str | None

    def steps(self) -> list[Step]:
        """What its reader does, in order."""
        if self.run_by:
            return []
        found: list[Step] = []
        last_runs = False
        for block in self.blocks:
            if block.marks:
                last_runs = False
            elif block.kind in RUN:
                found.append(Step(block, ()))
                last_runs = True
            elif block.kind in ANSWERS and last_runs:
                found[-1] = Step(found[-1].block, (*found[-1].answers, block))
        return found

    def unaccounted(self) -> list[str]:
        """Places of blocks that neither run nor say why not."""
        if self.run_by:
            return []
        answers = {one.line for step in self.steps() for one in (step.block, *step.answers)}
        return [
            block.place
            for block in self.blocks
            if block.line not in answers
            and not block.marks
            and not block.next_line.startswith(CHECKED_TABLE)
        ]


def read_page(path: Path) -> Page:
    """The page with its blocks."""
    text = path.read_text(encoding="utf-8")
    head = {found["name"]: found["value"] for found in HEAD.finditer(text)}
    begins_with = head.get("begins with")
    return Page(
        path,
        tuple(_blocks(path, text)),
        path.parent / begins_with if begins_with else None,
        head.get("blocks run by"),
    )


def all_pages() -> list[Page]:
    """Every page of the documentation."""
    return [read_page(path) for path in sorted(DOCS.rglob("*.md"))]


def _blocks(path: Path, text: str) -> Iterator[Block]:
    lines = text.splitlines()
    marks: dict[str, str] = {}
    place = 0
    while place < len(lines):
        opening = FENCE.match(lines[place])
        if opening is None:
            mark = MARK.match(lines[place])
            marks = {mark["name"]: mark["value"]} if mark else marks if not lines[place] else {}
            place += 1
            continue
        closing = lines.index(opening["indent"] + opening["fence"], place + 1)
        indent = len(opening["indent"])
        yield Block(
            page=path,
            line=place + 1,
            kind=opening["kind"],
            text="\n".join(line[indent:] for line in lines[place + 1 : closing]) + "\n",
            marks=marks,
            next_line=next((line for line in lines[closing + 1 :] if line.strip()), ""),
        )
        place, marks = closing + 1, {}

"""The site for programs that read: ``llms.txt`` names every page, ``llms-full.txt`` is all of them.

Beside each page lies the text that it was made of: ``guides/meters.md``. Source: llmstxt.org.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

COMMENT: Final = re.compile(r"<!--.*?-->\n*", re.DOTALL)
TITLE: Final = re.compile(r"^# (.+)$", re.MULTILINE)
LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
SENTENCE: Final = re.compile(r"(?<=[.:]) ")
LEFT_OUT_OF_WHOLE: Final = (
    "decisions/",
    "development/",
    "contract.md",
    "reference/changelog.md",
    "reference/errors.md",
    "reference/operations/",
)
"""Pages that explain the code, or repeat in other words what stands elsewhere."""


def write_texts(docs: Path, settings: str, site: Path) -> None:
    """Both files and the text of every page lie in the site. ``settings`` are the builder's."""
    project = tomllib.loads(settings)["project"]
    lines = [f"# {project['site_name']}", "", f"> {project['site_description']}", ""]
    whole = []
    for section, pages in _sections(project["nav"]):
        lines += [f"## {section}", ""]
        for page in pages:
            text = COMMENT.sub("", (docs / page).read_text())
            lines.append(f"- [{_title(text)}]({page}): {_first_sentence(text)}")
            if not page.startswith(LEFT_OUT_OF_WHOLE):
                whole.append(f"<!-- {page} -->\n\n{text.strip()}\n")
            (site / page).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(docs / page, site / page)
        lines.append("")
    (site / "llms.txt").write_text("\n".join(lines))
    (site / "llms-full.txt").write_text("\n".join(whole))


def _sections(navigation: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for one in navigation:
        for name, entries in one.items():
            yield name, [entry for entry in entries if isinstance(entry, str)]
            yield from _sections([entry for entry in entries if not isinstance(entry, str)])


def _title(text: str) -> str:
    found = TITLE.search(text)
    return found[1] if found else ""


def _first_sentence(text: str) -> str:
    """What the page begins with, without its links."""
    body = text[text.index("\n") :].strip()
    paragraph = " ".join(body.partition("\n\n")[0].split())
    return SENTENCE.split(LINK.sub(r"\1", paragraph), maxsplit=1)[0].rstrip(":").replace("**", "")

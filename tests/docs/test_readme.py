"""The README and the quickstart are one text: what runs on the one page stands on the other."""

from __future__ import annotations

import re

from tests.docs.pages import DOCS, read_page

README = DOCS.parent / "README.md"
COMMENT = re.compile(r"^#.*\n", re.MULTILINE)


def commands(text: str) -> list[str]:
    """The lines of a shell that do something."""
    return [line for line in COMMENT.sub("", text).splitlines() if line]


def test_the_example_of_the_readme_is_the_quickstart() -> None:
    quickstart = [step.block.text for step in read_page(DOCS / "quickstart.md").steps()]
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    [example] = [block for block in blocks if block.startswith("API=")]

    assert commands(example) == commands("".join(quickstart))


def test_the_words_of_the_quickstart_are_those_of_the_guides() -> None:
    quickstart, guides = (
        read_page(DOCS / page).steps()[0].block.text
        for page in ("quickstart.md", "guides/index.md")
    )
    words = quickstart.split("\n\n")[1:]

    assert len(words) == 3
    assert [text for text in words if text.strip() not in guides] == []


def test_the_invoice_of_the_readme_is_the_quickstarts() -> None:
    [invoice] = [
        answer.text
        for step in read_page(DOCS / "quickstart.md").steps()
        for answer in step.answers
        if answer.kind == "text"
    ]

    assert invoice in README.read_text()

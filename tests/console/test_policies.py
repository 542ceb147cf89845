"""Headers of every page, words of every language, and the shape of charts."""

from __future__ import annotations

import gzip
import json
import re
import string
import tomllib
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from billing.invoicing.explanations import explain_line
from billing.invoicing.invoices import InvoiceLine
from billing.invoicing.kinds import DocumentLanguage
from console.assets import CONTENTS, FOLDER, address_of
from console.charts import draw_bars
from console.language import WORDS
from console.language import words_in as page_words_in
from services.documents.layout import words_in
from tests.api.people import Person
from tests.api.sold import V1
from tests.console.billed import billed, link, portal
from tests.services.documents.einvoice.kinds import kinds

VENDOR = FOLDER / "vendor"
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SHARED = {"draft", "void", "paid", "uncollectible"}


def test_every_page_says_what_it_may_load(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)
    public, account = link(owner, invoice), portal(owner)
    inner = account.replace("/embed?", f"/embed/invoices/{invoice['id']}?")
    pages = [public, f"{public}/verify", f"{public}/lines/0/events", account, inner]

    for address in (*pages, "/", receipt_page(owner, invoice), "/p/nobody", "/embed", "/verify/x"):
        headers = visitor.get(address).headers
        assert headers["content-security-policy"] == POLICY, address
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers


def receipt_page(owner: Person, invoice: dict[str, Any]) -> str:
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
    return f"/verify/{receipt['id']}"


def test_head_asks_for_no_body(owner: Person, visitor: Person) -> None:
    answer = visitor.head(link(owner, billed(owner)[1]))

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("name", CONTENTS)
def test_files_of_pages_may_be_kept_for_ever(visitor: Person, name: str) -> None:
    answer = visitor.get(address_of(name))

    assert answer.content == CONTENTS[name]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert visitor.get(f"/assets/0/{name}").status_code == 404


def test_typeface_is_the_one_that_is_named() -> None:
    said = dict(re.findall(r"^\| (\S+\.woff2) \| ([0-9a-f]{64}) \|$", readme(), re.MULTILINE))

    fonts = {name for name in CONTENTS if name.endswith("woff2")}
    assert said == {name: sha256(CONTENTS[name]).hexdigest() for name in fonts}


def test_scripts_of_others_are_the_ones_that_are_named() -> None:
    said = tomllib.loads((VENDOR / "vendored.toml").read_text())["file"]

    assert {f"vendor/{one['name']}" for one in said} == {
        name for name in CONTENTS if name.startswith("vendor/")
    }
    for one in said:
        content = CONTENTS[f"vendor/{one['name']}"]
        assert sha256(content).hexdigest() == one["sha256"], one["name"]
        assert b"sourceMappingURL" not in content
        assert (VENDOR / one["licence_file"]).read_text().strip()
    assert {one.name for one in VENDOR.iterdir()} == {
        "vendored.toml",
        *(one["name"] for one in said),
        *(one["licence_file"] for one in said),
    }


def test_no_page_loads_more_than_90_kilobytes_of_script() -> None:
    packed = [len(gzip.compress(text)) for name, text in CONTENTS.items() if name.endswith(".js")]

    assert sum(packed) <= 90_000


def test_console_runs_the_scripts_that_carry_its_nonce_alone(owner: Person) -> None:
    pages = [owner.get("/console") for _ in range(2)]

    said = set()
    for page in pages:
        policy = page.headers["content-security-policy"]
        [nonce] = re.findall("'nonce-([^']+)'", policy)
        assert "'strict-dynamic'" in policy
        assert "require-trusted-types-for 'script'; trusted-types htmx" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        scripts = re.findall(r"<script([^>]*)></script>", page.text)
        assert len(scripts) == page.text.count("<script") >= 4
        assert all(f'nonce="{nonce}"' in one for one in scripts)
        assert not re.findall(r"\son[a-z]+=", page.text)
        said.add(nonce)
    assert len(said) == 2


def test_what_is_neither_an_element_nor_beside_one_moves_for_nobody_who_wants_no_motion() -> None:
    text = re.sub(
        r"/\*.*?\*/", "", CONTENTS["console.css"].decode() + CONTENTS["pages.css"].decode()
    )
    wanted = re.sub(
        r"@media \(prefers-reduced-motion: no-preference\) \{[^{}]*\{[^{}]*\} \}", "", text
    )
    moving = re.findall(r"([^{}]+)\{[^{}]*(?:transition|animation):", wanted)

    parts = {part for one in moving for part in re.findall(r"::[a-z-]+", one)}
    assert moving
    assert parts <= {"::before", "::after"}


def readme() -> str:
    return (FOLDER / "README.md").read_text()


def places_in(words: str) -> set[str]:
    return {place for _, place, _, _ in string.Formatter().parse(words) if place}


def test_every_language_has_the_same_words() -> None:
    words = json.loads(WORDS.read_text("utf-8"))

    assert tuple(words) == tuple(DocumentLanguage)
    for language, own in words.items():
        assert tuple(own) == tuple(words["en"]), language
        assert all(own.values())
        assert not own.keys() & words_in(language).keys()
        for name, text in own.items():
            assert places_in(text) == places_in(words["en"][name]), (language, name)


@pytest.mark.parametrize("language", DocumentLanguage)
def test_every_step_of_a_line_has_a_name_in_every_language(language: DocumentLanguage) -> None:
    words = page_words_in(language)
    lines = [
        InvoiceLine(line=line.priced, line_total=line.total)
        for document in kinds().values()
        for line in document.lines
    ]

    names = {step.name for line in lines for step in explain_line(line)}

    assert len(names) > 12
    assert [name for name in sorted(names) if f"step_{name}" not in words] == []


def test_bars_are_as_high_as_they_count() -> None:
    bars = draw_bars(
        [Decimal(0), Decimal(50), Decimal(100), Decimal(-3), Decimal("0.0001"), Decimal(0)],
        ["a", "b", "c", "d", "e", "f"],
        ["0", "50", "100", "-3", "0.0001", "0"],
        [False] * 5 + [True],
    )

    assert [bar.height for bar in bars] == ["0.0", "48.0", "96.0", "0.0", "1.5", "1.5"]
    assert [bar.y for bar in bars] == ["100.0", "52.0", "4.0", "100.0", "98.5", "98.5"]
    assert draw_bars([], [], [], []) == ()
    thirds = draw_bars([Decimal(1), Decimal(3)], ["a", "b"], ["1", "3"], [False, False])
    assert [bar.height for bar in thirds] == ["32.0", "96.0"]
    sevenths = draw_bars([Decimal(1), Decimal(7)], ["a", "b"], ["1", "7"], [False, False])
    assert [bar.height for bar in sevenths] == ["13.7", "96.0"]

"""The site that is built of the documentation: whole, and sufficient to itself."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from textwrap import indent
from urllib.parse import unquote

import pytest

from api.app import describe
from api.document.operations import operations
from tests.docs.pages import DOCS
from tests.docs.site.build import build
from tests.docs.site.operation_pages import file_of
from tests.docs.site.settings_page import fields, read_told

LOADED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(https?:)?//[^"]*"')
STYLE = re.compile(
    r'<link\b[^>]*\brel="(?:stylesheet|preload|preconnect)"[^>]*\bhref="https?:[^"]*"'
)
ENTRY = re.compile(r'<a href="([^"]*)" class="md-nav__link')
PLACE = re.compile(r'<[^>]+\b(?:id|name)="([^"]+)"')
LEADS_TO_A_PLACE = re.compile(r'href="(?![a-z]+:)([^"#]*)#([^"]+)"')


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


def test_every_link_to_a_place_leads_to_one_that_is_there(site: Path) -> None:
    places = {page: set(PLACE.findall(page.read_text())) for page in site.rglob("*.html")}
    lost = []
    links = 0

    for page in places:
        for address, place in LEADS_TO_A_PLACE.findall(page.read_text()):
            target = (page.parent / address).resolve() if address else page
            target = target / "index.html" if target.is_dir() else target
            links += 1
            if unquote(unescape(place)) not in places.get(target, ()):
                lost.append(f"{page.relative_to(site)}: {address}#{place}")

    assert links > 5_000
    assert lost == []


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = [(page, page.read_text()) for page in site.rglob("*.html")]

    assert len(pages) > 80
    assert [page.name for page, text in pages if LOADED.search(text) or STYLE.search(text)] == []
    # Pictures that a script of another host would draw.
    assert [page.name for page, text in pages if 'class="mermaid"' in text] == []


def test_programs_that_read_find_every_page_as_text(site: Path) -> None:
    listed = re.findall(
        r"^- \[(.+)\]\((.+)\): (.+)$", (site / "llms.txt").read_text(), re.MULTILINE
    )
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    whole = (site / "llms-full.txt").read_text()

    assert (site / "llms.txt").read_text().startswith("# Fluxrate\n\n> Self-hosted usage billing")
    assert pages <= {page for _, page, _ in listed}
    assert [page for _, page, _ in listed if not (site / page).is_file()] == []
    assert all(title and words for title, _, words in listed)
    assert "-->\n\n# Test clocks\n" in whole
    assert "# The client for TypeScript\n" in whole
    assert "$82.45" in whole
    assert "<!-- not run" not in whole


def test_every_operation_is_told_with_its_samples(site: Path) -> None:
    document = describe()
    pages = {
        page.name: page.read_text() for page in (site / "reference" / "operations").glob("*.md")
    }

    assert len(pages) == len(document["tags"])
    for path, method, operation in operations(document):
        page = pages[Path(file_of(operation["tags"][0])).name]
        assert f"`{method.upper()} {path}`\n" in page
        for sample in operation.get("x-codeSamples", ()):
            assert indent(sample["source"], "    ") in page
    text = (site / "reference" / "operations" / "payments" / "index.html").read_text()
    assert "../../errors/#overpayment" in text


def test_ids_in_samples_say_which_answer_they_are_from(site: Path) -> None:
    pages = site / "reference" / "operations"
    told = (pages / "subscriptions.md").read_text()

    assert (
        "Put in yours: `customer_id` is the `id` of"
        " [Create a customer](customers.md#create-a-customer); `plan_id` is the `id` of"
    ) in told
    assert told.count("Put in yours:") > 10


def test_the_changelog_is_a_page_that_the_reference_links(site: Path) -> None:
    text = (site / "reference" / "changelog" / "index.html").read_text()

    assert 'href="../../operators/upgrading/"' in text
    assert 'href="changelog/"' in (site / "reference" / "index.html").read_text()


def test_every_setting_is_listed_with_its_value(site: Path) -> None:
    page = (site / "reference" / "settings.md").read_text()

    for variable, *_ in fields():
        assert f"| `{variable}` |" in page
    assert (
        "| `FLUXRATE_MAX_BACKDATE_DAYS` | 1830 | whole number, days, at least 0, at most 36500 |"
        in page
    )
    assert "| `open`, `first`, `closed` |" in page
    assert 'href="settings/"' in (site / "reference" / "index.html").read_text()


def test_defaults_and_meanings_of_settings_are_told() -> None:
    told = read_told()
    for variable, _, field in fields():
        assert told[variable].meaning.strip(), variable
        default = next(iter(re.split(r"[;, ]", told[variable].default.strip("`"))), "")
        known = getattr(field.default, "value", field.default)
        if isinstance(known, bool | int) and default:
            assert default == str(known).lower(), variable
        elif isinstance(known, str | Path) and str(known):
            assert default == str(known), variable


def test_routes_and_commands_are_listed(site: Path) -> None:
    text = (site / "reference" / "api" / "index.html").read_text()

    assert "/api/v1/invoices/{invoice_id}/finalize" in text
    assert "fluxrate events import" in (site / "reference/commands/index.html").read_text()


@pytest.mark.parametrize(
    ("page", "scripts"),
    [
        (
            "concepts/proof",
            {"verify.py", "rules.py", "credit.py", "commitments.py", "included.py"},
        ),
        ("operators/audit-log", {"audit.py"}),
    ],
)
def test_scripts_that_prove_something_are_there_to_take(
    site: Path, page: str, scripts: set[str]
) -> None:
    folder = site / page
    linked = re.findall(r'href="([^"]+\.py)"', (folder / "index.html").read_text())

    assert {Path(one).name for one in linked} == scripts
    for one in linked:
        assert (folder / one).resolve().read_text() == (
            DOCS / "verify" / Path(one).name
        ).read_text()

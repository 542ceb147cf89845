"""A template of a user reads the documented variables and nothing else, and never runs long."""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.invoicing.kinds import DocumentLanguage
from services.mail.composing import variables_of
from services.mail.rendering import LONGEST_RESULT, ROWS, WORDS, render, require_template
from services.mail.templates import TemplateKind, default_texts
from tests.services.documents.samples import samples

SAMPLES = samples()
VARIABLES = variables_of(SAMPLES["tiers-and-allowance"])

REFUSED: Final = [
    "{{ ''.__class__ }}",
    "{{ title.__class__.__mro__ }}",
    "{{ title['__class__'] }}",
    "{{ title|attr('__class__') }}",
    "{{ title.format(title) }}",
    "{{ '{0.__class__}'.format(title) }}",
    "{{ title() }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum() }}",
    "{{ namespace() }}",
    "{{ range(10) }}",
    "{{ dict() }}",
    "{{ joiner }}",
    "{{ loop.index }}",
    "{{ organization }}",
    "{{ smtp_password }}",
    "{{ totals }}",
    "{{ totals[0] }}",
    "{{ totals.append }}",
    "{{ totals|list }}",
    "{{ title|map }}",
    "{{ title|safe }}",
    "{{ title|upper('x') }}",
    "{{ title|replace('a', title) }}",
    "{{ title|center(100000000) }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ 'a' * 100000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ title ~ title }}",
    "{{ title + title }}",
    "{{ -1 }}",
    "{{ 1 }}",
    "{{ [title] }}",
    "{{ (title, title) }}",
    "{{ {'a': title} }}",
    "{{ title[::-1] }}",
    "{{ title if title else 1 }}",
    "{{ title is defined }}",
    "{{ title in title }}",
    "{% if title is callable %}{% endif %}",
    "{% if title < title %}{% endif %}",
    "{% set a = title %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% include 'x' %}",
    "{% import 'os' as os %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}",
    "{% call title() %}{% endcall %}",
    "{% filter upper %}{% endfilter %}",
    "{% with a = title %}{% endwith %}",
    "{% autoescape false %}{{ buyer }}{% endautoescape %}",
    "{% raw %}{% endraw",
    "{% for a in range(1000000) %}x{% endfor %}",
    "{% for a in title %}{{ a }}{% endfor %}",
    "{% for a in lines recursive %}{{ loop(lines) }}{% endfor %}",
    "{% for a in lines %}{% for b in lines %}{% endfor %}{% endfor %}",
    "{% for a in lines if a.name %}{% endfor %}",
    "{% for a, b in lines %}{% endfor %}",
    "{% for title in lines %}{{ title }}{% endfor %}",
    "{% for a in lines %}{{ a }}{% endfor %}",
    "{% for a in lines %}{{ a.__class__ }}{% endfor %}",
    "{% for a in lines %}{{ a.items }}{% endfor %}",
    "{% for a in lines %}{{ a.name.upper }}{% endfor %}",
    "{% for a in lines %}{{ a['name'] }}{% endfor %}",
    "{% for a in lines %}{% endfor %}{{ a.name }}",
    "{% for a in lines %}x{% endfor %}" * 21,
    "{{ title",
    "{% if %}",
    "{% unknown %}",
]
"""What asks for more than is documented, runs without end, or is no template at all."""


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_not_documented_is_refused_and_its_part_named(source: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_template(source, field="html")

    assert (refused.value.code, refused.value.field) == ("invalid_template", "html")
    assert "line" in refused.value.detail or "loops" in refused.value.detail


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ nam }}", "nam is unknown; there are amount_due, bank,"),
        (
            "a\n{{ totals }}",
            "totals cannot be shown as a whole; loop over it, or name a part (line 2)",
        ),
        ("{% for a in lines %}{{ a.price }}{% endfor %}", "price is none of amount, name (line 1)"),
        ("{% for a in title %}{% endfor %}", "goes over one of facts, lines, totals, bank"),
        ("{{ title", "(line 1)"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(source: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_template(source, field="text")

    assert said in refused.value.detail


@pytest.mark.parametrize(
    "source",
    [
        "{% if title %}" * 120 + "x" + "{% endif %}" * 120,
        "{% if title %}" * 700 + "x" + "{% endif %}" * 700,
        "{% if title %}" * 20_000 + "x" + "{% endif %}" * 20_000,
        "{% if " + " and ".join(["title"] * 700) + " %}x{% endif %}",
        "{% if " + "not " * 700 + "title %}x{% endif %}",
        "{{ " + "(" * 700 + "title" + ")" * 700 + " }}",
        "{{ title" + "|upper" * 700 + " }}",
    ],
    ids=["nested", "deeply nested", "endless", "and", "not", "parentheses", "filters"],
)
def test_what_is_nested_too_deep_to_run_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput, match="within one another") as refused:
        require_template(source, field="html")

    assert (refused.value.code, refused.value.field) == ("invalid_template", "html")


def test_a_template_may_be_nested_as_deep_as_anybody_writes() -> None:
    source = "{% if title %}" * 30 + "{{ title|upper|lower }}" + "{% endif %}" * 30
    require_template(source, field="html")

    assert render(source, VARIABLES) == str(VARIABLES["title"]).lower()


@pytest.mark.parametrize("kind", TemplateKind)
@pytest.mark.parametrize("language", DocumentLanguage)
def test_defaults_are_templates_that_anybody_could_have_written(
    kind: TemplateKind, language: DocumentLanguage
) -> None:
    texts = default_texts(kind, language)
    for part in ("subject", "text", "html"):
        source = getattr(texts, part)
        require_template(source, field=part)
        assert "[" not in source.replace("[0", "")
        for document in SAMPLES.values():
            assert render(source, variables_of(document), is_html=part == "html")


def test_every_document_has_every_variable() -> None:
    for document in SAMPLES.values():
        variables = variables_of(document)
        assert variables.keys() == WORDS | ROWS.keys()
        for name, columns in ROWS.items():
            rows = variables[name]
            assert not isinstance(rows, str)
            assert all(row.keys() == columns for row in rows)


NAMES = st.sampled_from(
    [
        *(*sorted(WORDS), *ROWS, "row", "row.name", "row.amount", "row.__class__", "__class__"),
        *("x", "self", "loop", "config", "title.x", "range", "lipsum", "cycler"),
    ]
)
EXPRESSIONS = st.recursive(
    NAMES | st.sampled_from(["'a'", "1", "none", "true", "[1]"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["|upper", "|trim", "|safe", "()", ".a", "[0]"])).map(
            "".join
        ),
        st.tuples(inner, st.sampled_from([" ~ ", " == ", " * ", " and ", " in "]), inner).map(
            "".join
        ),
    ),
    max_leaves=4,
)
PIECES = st.one_of(
    EXPRESSIONS.map(lambda one: "{{ " + one + " }}"),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(
        lambda two: "{% if " + two[0] + " %}{{ " + two[1] + " }}{% endif %}"
    ),
    st.tuples(NAMES, EXPRESSIONS).map(
        lambda two: "{% for row in " + two[0] + " %}{{ " + two[1] + " }}{% endfor %}"
    ),
    st.sampled_from(["plain", "{", "%}", "{% set x = title %}", "{# note #}"]),
)


@given(st.lists(PIECES, min_size=1, max_size=4).map("".join))
def test_what_passes_shows_documented_texts_alone(source: str) -> None:
    """Every variable is a mark of its own: nothing but marks and the template's words comes out."""
    marked = {
        name: f"<{name}>" if isinstance(value, str) else [dict.fromkeys(ROWS[name], "<row>")] * 2
        for name, value in VARIABLES.items()
    }
    try:
        require_template(source, field="text")
    except InvalidInput:
        return
    shown = render(source, marked)

    for mark in [*(f"<{name}>" for name in WORDS), "<row>"]:
        shown = shown.replace(mark, "").replace(mark.upper(), "")
    assert set(shown.replace("plain", "").replace("PLAIN", "")) <= set("aA{%} \n")


def test_values_are_escaped_in_html_and_stay_on_their_line() -> None:
    hostile = {
        **VARIABLES,
        "buyer": "<script>&\"'\r\nBcc: all\u2028\u202e",
        "seller": "{{ title }}",
    }

    assert render("{{ buyer }}", hostile, is_html=True) == (
        "&lt;script&gt;&amp;&#34;&#39; Bcc: all "
    )
    assert render("{{ buyer }}", hostile) == "<script>&\"' Bcc: all "
    assert render("{{ seller }}", hostile, is_html=True) == "{{ title }}"


def test_a_mail_has_an_end() -> None:
    many = {**VARIABLES, "lines": [{"name": "x" * 500, "amount": "1"}] * 500}
    source = "{% for one in lines %}{{ one.name }}{{ one.name }}{{ one.name }}{% endfor %}" * 20
    require_template(source, field="text")

    began = time.process_time()
    with pytest.raises(InvalidInput, match=str(LONGEST_RESULT)):
        render(source, many)

    assert time.process_time() - began < 1

"""Every code that a problem can have: what it means, why it comes, and what to do about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

CATALOGUE: Final = Path(__file__).parent / "codes.toml"
TOPICS: Final = Path(__file__).parent / "code_topics.toml"
UNSORTED: Final = "Others"
PLACE: Final = "/errors"
"""Where the catalogue is read, under the installation's public address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemCode:
    """One code. ``statuses`` are those that it comes with, none if it only comes in a report."""

    code: str
    statuses: tuple[int, ...]
    title: str
    cause: str
    remedy: str


@cache
def read_codes() -> Mapping[str, ProblemCode]:
    """All codes in the order of their names."""
    rows = tomllib.loads(CATALOGUE.read_text())
    return {
        code: ProblemCode(
            code=code,
            statuses=tuple(row["statuses"]),
            title=row["title"],
            cause=row["cause"],
            remedy=row["remedy"],
        )
        for code, row in sorted(rows.items())
    }


@cache
def read_topics() -> Mapping[str, tuple[ProblemCode, ...]]:
    """All codes by what they are about; those that nobody has sorted in are the last topic."""
    known = read_codes()
    topics: dict[str, list[str]] = tomllib.loads(TOPICS.read_text())
    sorted_in = {code for codes in topics.values() for code in codes}
    if rest := [code for code in known if code not in sorted_in]:
        topics[UNSORTED] = rest
    return {topic: tuple(known[code] for code in codes) for topic, codes in topics.items()}


def write_reference() -> str:
    """The catalogue as a page of the reference: ``docs/reference/errors.md``.

    The heading of a code is the code, so that its anchor is too, whichever topic it is in.
    """
    rows = [
        f"| [{topic}](#{_anchor_of(topic)}) | "
        + " ".join(f"[`{one.code}`](#{one.code})" for one in codes)
        + " |"
        for topic, codes in read_topics().items()
    ]
    sections = [
        "\n".join([f"## {topic}\n", *map(_write_code, codes)])
        for topic, codes in read_topics().items()
    ]
    return "\n".join([_HEAD, "| Topic | Codes |", "|---|---|", *rows, "", *sections])


def _write_code(one: ProblemCode) -> str:
    return (
        f"### {one.code}\n\n"
        f"**{one.title}.**{_write_statuses(one)} {one.cause}\n\n"
        f"*What to do:* {one.remedy}\n"
    )


def _anchor_of(topic: str) -> str:
    """The anchor of a heading, as the site's builder and GitHub make it."""
    return topic.lower().replace(",", "").replace(" ", "-")


def _write_statuses(one: ProblemCode) -> str:
    return f" ({', '.join(map(str, one.statuses))})" if one.statuses else ""


_HEAD: Final = """# Errors

Every error is a problem document (RFC 9457). `detail` is for people, `code` for programs, and
`type` is the address at which an installation explains the code. A stable `code` keeps its
meaning. With 429 and 503 the header `Retry-After` says after how many seconds a repeat makes
sense. Where several fields are wrong, `errors` names each by `field` with a code of its own.

Find a code by the search of your browser, or by what it is about. Those without a status come in
reports, and within `errors` of a 422.
"""

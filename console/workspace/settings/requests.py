"""What keys sent lately, and why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from console.workspace.asking import API, BAD_REQUEST
from console.workspace.lists import Column, Filter, Listing

SERVER_ERROR: Final = 500
OUTCOMES: Final = ("succeeded", "failed")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _outcome(row: Mapping[str, Any]) -> str:
    """What became of a request, in a word."""
    if row["status"] >= SERVER_ERROR:
        return "Failed"
    return "Refused" if row["status"] >= BAD_REQUEST else "Succeeded"


def _problem(row: Mapping[str, Any]) -> str:
    """The code of a problem, which leads to what it means and what to do about it."""
    if row["code"] is None:
        return ""
    told = Markup('<a href="/errors/{0}">{0}</a>').format(row["code"])
    fields = ", ".join(row["fields"])
    return Markup("{}: {}").format(told, fields) if fields else told


REQUESTS: Final = Listing(
    title="Requests",
    path="/requests",
    columns=(
        Column(
            title="At",
            cell=lambda row, values: values.moment(row["at"]),
            raw=lambda row: row["at"],
        ),
        Column(
            title="Request",
            cell=lambda row, _: f"{row['method']} {row['path'].removeprefix(API)}",
            raw=lambda row: f"{row['method']} {row['path']}",
        ),
        Column(title="Outcome", cell=lambda row, _: _outcome(row), is_status=True),
        Column(
            title="Status",
            cell=lambda row, _: str(row["status"]),
            raw=lambda row: row["status"],
            is_number=True,
        ),
        Column(
            title="Why not",
            cell=lambda row, _: _problem(row),
            raw=lambda row: ": ".join(filter(None, [row["code"], ", ".join(row["fields"])])),
        ),
        Column(
            title="Took",
            cell=lambda row, _: f"{row['milliseconds']} ms",
            raw=lambda row: row["milliseconds"],
            is_number=True,
        ),
        Column(
            title="How many",
            cell=lambda row, values: values.number(row["alike"]),
            raw=lambda row: row["alike"],
            is_number=True,
        ),
        Column(title="Key", cell=lambda row, _: row["api_key_name"] or "–"),
        Column(title="Request id", cell=lambda row, _: row["request_id"]),
    ),
    filters=(
        Filter(name="outcome", title="Outcome", choices=OUTCOMES, is_tab=True),
        Filter(name="method", title="Method", choices=METHODS),
        Filter(name="path", title="Path begins with"),
        Filter(name="code", title="Problem"),
        Filter(name="request_id", title="Request id"),
        Filter(name="api_key_id", title="Key"),
        Filter(name="since", title="From", is_day=True),
        Filter(name="until", title="Until", is_day=True),
    ),
    empty="What your programs send with an API key stands here for a week: what they asked, how"
    " it was answered, and why not.",
)
"""Requests of a second that are alike are one row, whose id and time are the slowest's."""

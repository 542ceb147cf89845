"""What keys sent lately, and why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from console.workspace.asking import API, BAD_REQUEST, Member, rows_of
from console.workspace.frame import Screen
from console.workspace.lists import Column, Filter, Listing
from console.workspace.parts import Part, read_parts

SERVER_ERROR: Final = 500
OUTCOMES: Final = ("succeeded", "failed")
FEW: Final = 8
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
    template="requests.html",
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


async def show_requests(member: Member) -> Screen | Response:
    """The list, and above it what failed by how it did, which follows."""
    shown = await REQUESTS.show(member)
    if not isinstance(shown, Screen):
        return shown
    parts = await read_parts(member, PROBLEMS)
    return replace(shown, values={**shown.values, **parts})


async def read_problems(member: Member) -> dict[str, Any]:
    """What failed, by code and route, with how often, narrowed as the list is."""
    query = member.request.query_params
    asked = {one.name: query[one.name] for one in REQUESTS.filters if query.get(one.name)}
    found = await member.get("/requests/problems", **asked)
    return {"problems": [(one, _narrow(one, asked)) for one in rows_of(found)[:FEW]]}


def _narrow(problem: Mapping[str, Any], asked: Mapping[str, str]) -> str:
    """The address of the requests that failed so."""
    path = problem["path"].partition("{")[0]
    own = {"outcome": "failed", "method": problem["method"], "path": path, "code": problem["code"]}
    return "?" + urlencode({**asked, **{name: text for name, text in own.items() if text}})


PROBLEMS: Final = Part(
    path="/requests/problems",
    template="request_problems.html",
    read=read_problems,
    screen="/requests",
)
PARTS: Final = (PROBLEMS,)

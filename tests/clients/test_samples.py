"""Samples of the document are run: each sends what the operation's example says."""

from __future__ import annotations

import shlex

import httpx2
import pytest
from fluxrate_client import NEVER, Fluxrate

from api.document.examples import read_examples
from api.document.samples import PAGING
from tests.clients.sampled import asked, compared, expected, samples, texts


class Caught(Exception):
    """A request was about to be sent."""


def test_every_operation_has_a_sample_for_the_shell_and_most_for_the_clients() -> None:
    shell, python, typescript = (list(samples(one)) for one in ("Shell", "Python", "TypeScript"))

    assert {name for name, *_ in shell} == read_examples().keys()
    assert [name for name, *_ in python] == [name for name, *_ in typescript]
    assert len(python) > len(shell) - 12


def test_samples_for_the_shell_send_what_the_example_sends() -> None:
    for name, address, told, source in samples("Shell"):
        words = shlex.split(source.replace("\\\n", " "))
        given: dict[str, list[str]] = {}
        for flag, value in zip(words[2::2], words[3::2], strict=True):
            given.setdefault(flag, []).append(value)
        body = given.get("-d", [""])[0]
        method = given.get("-X", ["POST" if body else "GET"])[0]

        sent = asked(method, words[1].removeprefix("$FLUXRATE_URL"), body)

        query = told.get("query", {})
        paging = {one: texts(query[one]) for one in PAGING & query.keys()}
        known = expected(address, told)
        assert sent == known | {"query": known["query"] | paging}, name
        assert "{" not in words[1]


def test_samples_in_python_send_what_the_example_sends() -> None:
    def catch(request: httpx2.Request) -> httpx2.Response:
        raise Caught(asked(request.method, str(request.url), request.read()))

    http = httpx2.Client(transport=httpx2.MockTransport(catch))
    client = Fluxrate("http://api.test", api_key="sk_live_1", retries=NEVER, http=http)
    for name, address, told, source in samples("Python"):
        with pytest.raises(Caught) as caught:
            exec(compile(source, name, "exec"), {"client": client})

        known = expected(address, told)
        assert compared(caught.value.args[0], known) == known, source

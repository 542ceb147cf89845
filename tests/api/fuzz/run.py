"""One run over all operations, in an order of chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Self

import httpx2

from tests.api.fuzz.callers import WORTHLESS, LockedOut
from tests.api.fuzz.cases import Operation, read_operations
from tests.api.fuzz.ids import IdNames
from tests.api.fuzz.judge import Judge
from tests.api.fuzz.organization import Organization
from tests.api.fuzz.requests import Sender, tell_request
from tests.api.fuzz.site import Site
from tests.api.fuzz.tally import Tally
from tests.api.fuzz.variations import Variation
from tests.api.people import PASSWORD

PER_ORGANIZATION: Final = 10
"""Requests of each operation before a fresh organization takes the place of the worn one."""
LONGEST_ANSWER: Final = 600


class Run:
    """Everything that is chosen comes from the seed."""

    def __init__(self, site: Site, seed: int, only: str = "") -> None:
        self.tally = Tally()
        self._site = site
        self._chance = random.Random(seed)
        self._names = IdNames(site.document)
        self._judge = Judge(site.document)
        self._operations = [
            one for one in read_operations(site.document) if only.lower() in one.name.lower()
        ]
        self._cases = {one.name: one.requests(seed) for one in self._operations}
        self._client = httpx2.Client(base_url=site.url, timeout=120, trust_env=False, verify=False)
        self._sender = Sender(self._client, self._chance)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, requests: int) -> Iterator[None]:
        """That many requests, every operation equally often; gives word of each."""
        for _, (operation, own, foreign) in zip(range(requests), self._turns(), strict=False):
            self._try(operation, own, foreign)
            yield

    def _turns(self) -> Iterator[tuple[Operation, Organization, Organization]]:
        """Each operation in its turn, with an organization, and another one beside it."""
        foreign = Organization(self._site, self._names)
        while True:
            own = Organization(self._site, self._names)
            turns = self._operations * PER_ORGANIZATION
            self._chance.shuffle(turns)
            for operation in turns:
                if own.is_lost:
                    own.close()
                    own = Organization(self._site, self._names)
                yield operation, own, foreign
            foreign.close()
            foreign = own

    def _try(self, operation: Operation, own: Organization, foreign: Organization) -> None:
        caller = own.callers.choose(self._chance)
        try:
            headers = own.callers.headers_of(caller)
        except LockedOut:
            own.is_lost = True
            return
        if operation.described["operationId"] == "log_in":
            login = {"email": foreign.callers.email, "password": PASSWORD}
            operation = replace(operation, example={"request": login})
        case = next(self._cases[operation.name])
        variation = Variation(own.ids, foreign.ids, self._chance)
        answer = self._sender.send(operation, case, variation, headers)
        self._client.cookies.clear()
        self.tally.count(operation.name, answer.status_code, caller)
        for fault in self._judge.faults_of(case, operation.described, answer):
            told = tell_request(answer), answer.text[:LONGEST_ANSWER]
            self.tally.blame(operation.name, fault, *told)
        if answer.is_success and answer.headers.get("content-type") == "application/json":
            own.ids.learn(case.path, answer.json())
        ended = answer.status_code == 401 and caller not in WORTHLESS
        if ended and operation.described["security"]:
            own.callers.renew()

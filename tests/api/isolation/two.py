"""Two organizations with one of everything, and what one of them can see of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from httpx2 import Response
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.access.furnished import Ids, fill, furnish
from tests.api.access.test_tenants import WITH_IDS, body_of, everything_of
from tests.api.credentials import Operation
from tests.api.people import PATIENT_SECONDS, Clock, Person


@dataclass(frozen=True, slots=True)
class Two:
    """Two organizations with one of everything."""

    mine: Person
    theirs: Person
    my_ids: Ids
    their_ids: Ids

    def ask(self, operation: Operation, ids: Ids) -> Response:
        """What I am answered about things of these ids."""
        method, path = operation
        return self.mine.request(method, fill(path, ids), json=body_of(operation, self.my_ids))

    def leaks(self, operations: Sequence[Operation] = tuple(WITH_IDS)) -> dict[str, str]:
        """Operations that tell their things from things of nobody, with what they answered."""
        numbers = {"period_index": "0", "version": "1"}
        nobody = {name: str(uuid4()) for name in self.their_ids} | numbers
        found = {}
        for operation in operations:
            answer, expected = (self.ask(operation, ids) for ids in (self.their_ids, nobody))
            if (answer.status_code, code_of(answer)) != (404, code_of(expected)):
                found[" ".join(operation)] = f"{answer.status_code} {answer.text[:200]}"
        return found

    def seen(self) -> set[str]:
        """Which of their ids stand anywhere in what I am shown."""
        shown = " ".join(everything_of(self.mine, self.my_ids).values())
        names = set(self.their_ids) - {name for name in self.my_ids if self.is_shared(name)}
        return {name for name in names if self.their_ids[name] in shown}

    def is_shared(self, name: str) -> bool:
        """Whether both have the same there, as a period's number."""
        return self.my_ids[name] == self.their_ids[name]


def code_of(answer: Response) -> str:
    """The code of a refusal; nothing where there is none."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return str(answer.json().get("code")) if is_problem else ""


@contextmanager
def two_organizations(url: str, security: Security) -> Iterator[Two]:
    engine = create_application_engine(url, pool_size=4)
    context = AppContext(
        transactions=Transactions(engine),
        security=security,
        now=Clock(),
        transaction_seconds=PATIENT_SECONDS,
    )
    other = replace(context, registry=CollectorRegistry())
    with Person(create_app(context)) as mine, Person(create_app(other)) as theirs:
        mine.sign_up("Mine")
        theirs.sign_up("Theirs")
        yield Two(mine, theirs, furnish(mine), furnish(theirs))
    engine.dispose()

"""``fluxrate limits``: one organization may more or less than everybody, and is told so.

The commands are those of docs/operators/limits.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from httpx2 import Response
from typer.testing import CliRunner, Result

from billing.quotas import read_limits
from cli.composition import ApiProcess
from cli.main import app as commands
from runtime.settings import Settings
from tests import passwords
from tests.api.conftest import SECRET
from tests.api.people import Person

V1 = "/api/v1"
EVERYBODY = '"key";q=300000;w=60, "organization";q=600000;w=60'


@pytest.fixture(scope="module")
def people(module_database_url: str) -> Iterator[tuple[Person, Person]]:
    """An owner and a stranger, of an API that runs: it hears what commits tell."""
    settings = Settings(_env_file=None, secret_key=SECRET, signup="open")
    process = ApiProcess(settings, module_database_url, "127.0.0.1:1", passwords=passwords.QUICK)
    app = process.build()
    with Person(app) as owner:
        stranger = Person(app)
        stranger.portal = owner.portal
        yield owner.sign_up(), stranger.sign_up()


@pytest.fixture
def organization(people: tuple[Person, Person]) -> str:
    return str(people[0].get(f"{V1}/organization").json()["id"])


def limits(url: str, *words: str) -> Result:
    return CliRunner().invoke(commands, ["limits", *words], env={"DATABASE_URL": url})


def answer_with(person: Person, policy: str) -> Response:
    """The first answer that names these limits alone; a running API hears of them soon."""
    deadline = time.monotonic() + 30
    answer = person.get(f"{V1}/organization")
    while answer.headers["RateLimit-Policy"] != policy and time.monotonic() < deadline:
        time.sleep(0.05)
        answer = person.get(f"{V1}/organization")
    return answer


def test_an_organization_has_limits_of_its_own_and_nobody_else_has_them(
    people: tuple[Person, Person], organization: str, module_database_url: str
) -> None:
    owner, stranger = people
    assert owner.get(f"{V1}/organization").headers["RateLimit-Policy"] == EVERYBODY

    done = limits(
        module_database_url,
        *("set", "requests=500", "requests_per_caller=400", "--organization", organization),
    )
    answer = answer_with(owner, '"key";q=400;w=60, "organization";q=500;w=60')

    assert done.exit_code == 0, done.output
    assert answer.headers["RateLimit-Policy"] == '"key";q=400;w=60, "organization";q=500;w=60'
    assert stranger.get(f"{V1}/organization").headers["RateLimit-Policy"] == EVERYBODY
    shown = limits(module_database_url, "show").stdout
    assert f"{organization} requests=500\n" in shown
    assert shown.count("\n") == 2
    entry = owner.get(f"{V1}/audit").json()["data"][0]
    assert entry["action"] == "organization.limits_changed"
    assert entry["actor"] == "operator"
    assert entry["after"] == {"requests": 500, "requests_per_caller": 400}

    limits(
        module_database_url,
        *("set", "requests=default", "requests_per_caller=default"),
        *("--organization", organization),
    )
    assert answer_with(owner, EVERYBODY).headers["RateLimit-Policy"] == EVERYBODY
    assert limits(module_database_url, "show").stdout == ""


def test_a_limit_of_ones_own_is_kept_to(
    people: tuple[Person, Person], organization: str, module_database_url: str
) -> None:
    owner, stranger = people
    limits(module_database_url, "set", "requests=3", "--organization", organization)
    answer_with(owner, '"key";q=300000;w=60, "organization";q=3;w=60')

    answers = [owner.get(f"{V1}/organization") for _ in range(5)]

    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "rate_limited"
    assert stranger.get(f"{V1}/organization").status_code == 200
    limits(module_database_url, "set", "requests=0", "--organization", organization)
    unlimited = answer_with(owner, '"key";q=300000;w=60')
    assert unlimited.headers["RateLimit-Policy"] == '"key";q=300000;w=60'
    assert unlimited.status_code == 200


def test_a_quota_of_ones_own_holds_at_once(
    people: tuple[Person, Person], organization: str, module_database_url: str
) -> None:
    owner, stranger = people
    limits(module_database_url, "set", "meters=1", "--organization", organization)

    def make(person: Person, name: str) -> Response:
        body = {"meter_name": name, "aggregation_type": "SUM", "property_name": "value"}
        return person.post(f"{V1}/meters", json=body)

    assert make(owner, "one").status_code == 201
    refused = make(owner, "two")
    assert (refused.status_code, refused.json()["quota"]) == (409, "meters")
    assert [make(stranger, name).status_code for name in ("one", "two")] == [201, 201]


@pytest.mark.parametrize(
    "words", [["speed=1"], ["plans"], ["plans=-1"], ["plans=1", "plans=2"], ["plans=3000000000"]]
)
def test_what_is_no_limit_is_refused_and_named(words: list[str], module_database_url: str) -> None:
    with pytest.raises(ValueError, match=words[-1]):
        read_limits(words)

    done = limits(module_database_url, "set", *words)

    assert done.exit_code != 0
    assert words[-1].partition("=")[0] in done.output + str(done.exception)

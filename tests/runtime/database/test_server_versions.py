"""Which servers are taken: the oldest that works bills a month, an older one is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.exc import OperationalError

from cli.migrate import migrate
from cli.output import Refusal
from repositories.transactions import Transactions
from runtime.database import server
from runtime.database.engine import create_application_engine
from runtime.database.server import OLDEST_SERVER, OldServer, require_new_server
from runtime.embedded import engines
from runtime.embedded.accounts import Account
from runtime.embedded.engines import SUPERUSER, EmbeddedPostgres, make_private_directory
from tests.scenarios.account import Account as Seller
from tests.scenarios.product import Product, settings_for
from tests.scenarios.test_seed_invoice import subscribe_to_calls
from tests.servers import FAST_SETTINGS, make_database, run_directory

OLDEST_PROGRAMS = Path(f"/usr/lib/postgresql/{OLDEST_SERVER}/bin")
"""Where Debian's packages of the oldest server lay its programs."""

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("number", "spelled"),
    [(140012, "14.12"), (149999, "14.9999"), (90624, "9.6.24"), (100023, "10.23")],
)
def test_an_older_server_is_refused_by_the_number_that_it_reports(
    number: int, spelled: str
) -> None:
    refused = re.escape(f"PostgreSQL {spelled} is too old: Fluxrate needs {OLDEST_SERVER} or later")
    with pytest.raises(OldServer, match=refused):
        require_new_server(number)


@pytest.mark.parametrize("number", [150000, 150010, 180006])
def test_the_oldest_that_works_is_taken_and_every_newer_one(number: int) -> None:
    require_new_server(number)


def test_a_server_that_tells_no_number_is_not_taken_for_an_old_one() -> None:
    """The driver says 0 of it: poolers leave the number out, or write it in their own way."""
    require_new_server(0)


@pytest.fixture
def too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every server that there is today is older than what is asked for."""
    monkeypatch.setattr(server, "OLDEST_SERVER", 99)


@pytest.mark.usefixtures("too_old")
def test_migrating_on_an_older_server_ends_in_a_sentence_and_changes_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.delenv("FLUXRATE_MIGRATION_DATABASE_URL", raising=False)

    with pytest.raises(Refusal, match=r"PostgreSQL 18\.\d+ is too old: Fluxrate needs 99"):
        migrate()


@pytest.mark.usefixtures("too_old")
def test_processes_meet_an_older_server_as_one_that_is_away_and_are_told_why(
    database_url: str,
) -> None:
    engine = create_application_engine(database_url, pool_size=1)

    with (
        pytest.raises(OperationalError, match="is too old: Fluxrate needs 99 or later"),
        Transactions(engine).for_organizations([]) as session,
    ):
        session.connection()
    engine.dispose()


@pytest.mark.parametrize("page", ["operators/running.md", "operators/kubernetes.md"])
def test_pages_for_operators_say_which_is_the_oldest(page: str) -> None:
    assert f"PostgreSQL {OLDEST_SERVER} or later" in (DOCS / page).read_text()


class OldestPostgres(EmbeddedPostgres):
    """The same by the programs of the oldest server, which knows no locales of its own."""

    def _create_cluster(self, account: Account | None) -> None:
        make_private_directory(self._cluster, account)
        words = ["-D", str(self._cluster), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
        subprocess.run(
            [str(OLDEST_PROGRAMS / "initdb"), *words, "--locale=C", "--no-sync"],
            cwd="/",
            check=True,
            capture_output=True,
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
        )


@pytest.fixture
def oldest_database_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database with the current schema on the oldest server that works."""
    monkeypatch.setattr(engines, "postgres_program", OLDEST_PROGRAMS.joinpath)
    directory = run_directory() / f"oldest-{uuid4().hex}"
    directory.mkdir()
    oldest = OldestPostgres(directory, server_settings=FAST_SETTINGS)
    oldest.start()
    try:
        yield make_database(oldest, "fluxrate")
    finally:
        oldest.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.skipif(not OLDEST_PROGRAMS.is_dir(), reason=f"PostgreSQL {OLDEST_SERVER} is not here")
def test_a_month_is_billed_on_the_oldest_server(
    oldest_database_url: str, temporal_address: str
) -> None:
    product = Product(settings_for(oldest_database_url, temporal_address)).start()
    try:
        seller = Seller(product.url).sign_up()
        clock, subscription = subscribe_to_calls(seller)
        seller.track("api_calls", "acct_77", 82450, "2025-01-01T00:00:00Z")
        seller.advance(clock, "2025-02-01T02:00:00Z")
        [invoice] = seller.invoices(subscription)
        seller.client.close()
    finally:
        product.stop()

    assert (invoice["status"], invoice["total"]) == ("OPEN", Decimal("82.45"))

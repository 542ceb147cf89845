"""What a database's server says of itself to an account that is no superuser."""

from __future__ import annotations

import psycopg

from repositories.operations.server_facts import read_server_facts
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.servers import process_url


def test_connections_of_other_clients_are_counted(database_url: str) -> None:
    url = process_url(database_url)
    engine = create_application_engine(url)

    sessions = Transactions(engine)

    with psycopg.connect(url), psycopg.connect(url), sessions.for_organizations([]) as session:
        facts = read_server_facts(session)
    engine.dispose()

    assert 3 <= facts.connections <= facts.most_connections

"""What the official Go client sends and reads, said in Go. Skipped where Go is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.account import Account
from tests.scenarios.product import Product

PROGRAM = Path(__file__).with_name("go_wire.go")

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed.")


def test_go_decodes_what_is_answered_and_reads_why_it_is_refused(product: Product) -> None:
    account = Account(product.url).sign_up("Go Works")
    meter = account.create_meter(name="render_minutes")
    token = account.get(f"/meters/{meter['meter_id']}")["meter_token"]
    account.create_customer("acct_77")
    key = account.api.api_keys.create(name="Go", scopes=["usage.write"]).key

    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        ["go", "run", str(PROGRAM), product.url, str(key), token],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "2.5 gpu true true\nrefused: 404: Meter not found.\n"

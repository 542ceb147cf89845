"""Whether one event is in a bill is proved against the receipt that its customer holds.

*Source: CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.transport.exact_json import dump_json
from billing.errors import NotFound
from repositories.invoicing import receipt_keys as stored_keys
from services.receipts.export import FIRST, Counted, find_counted_spans, read_page, walk
from services.receipts.inclusion import describe_inclusion, prove_event
from services.receipts.signing import public_jwk
from services.usage.corrections import void_usage
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import with_signer
from tests.services.shop import Shop

SCRIPT = Path(__file__).parents[4] / "docs" / "verify" / "included.py"
FEBRUARY = datetime(2025, 2, 1, 2, tzinfo=UTC)
AT_NINE = datetime(2025, 1, 10, 9, tzinfo=UTC)


@pytest.fixture
def life(shop: Shop) -> Life:
    return begin_life(with_signer(shop))


def prove(life: Life, event_id: UUID) -> dict[str, Any]:
    [invoice, *_] = life.invoices()
    proof: dict[str, Any] = json.loads(
        dump_json(describe_inclusion(life.shop.read(prove_event, invoice.id, event_id)))
    )
    return proof


def check(life: Life, proof: dict[str, Any], folder: Path) -> tuple[int, str]:
    keys = life.shop.read(stored_receipts_of)
    (folder / "proof.json").write_text(json.dumps(proof))
    (folder / "keys.json").write_text(json.dumps({"keys": keys}))
    files = [str(folder / "proof.json"), "--keys", str(folder / "keys.json")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *files], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def stored_receipts_of(session: Any, organization_id: UUID) -> list[dict[str, str]]:
    keys = stored_keys.list_active_keys(session, [organization_id])
    return [public_jwk(one.key_id, one.public_key) for one in keys.values()]


def test_an_event_is_proved_to_be_in_its_bill(life: Life, tmp_path: Path) -> None:
    event = life.use(AT_NINE, 7)
    life.use(AT_NINE + timedelta(minutes=20), 5)
    life.use(AT_NINE + timedelta(days=3), 2)
    life.advance(FEBRUARY)

    proof = prove(life, event.id)

    assert proof["included"]
    assert len(proof["hours"]) == 2
    assert proof["hours"][0].endswith(" 2 12")
    code, said = check(life, proof, tmp_path)
    assert (code, said) == (0, f"{event.id}: 7, one of 2 events of its hour, 12 in all\n")


def test_a_voided_event_is_not_in_the_bill(life: Life, tmp_path: Path) -> None:
    void, other = life.use(AT_NINE, 7), life.use(AT_NINE, 5)
    life.shop.do(void_usage, void.id)
    life.advance(FEBRUARY)

    proof = prove(life, void.id)

    assert (proof["included"], [one["id"] for one in proof["events"]]) == (False, [str(other.id)])
    assert check(life, proof, tmp_path)[0] == 1


def test_the_proof_holds_whatever_comes_later(life: Life, tmp_path: Path) -> None:
    event = life.use(AT_NINE, 7)
    life.advance(FEBRUARY)
    life.use(AT_NINE, 9)
    life.shop.do(void_usage, event.id)

    assert check(life, prove(life, event.id), tmp_path)[0] == 0


@pytest.mark.parametrize("part", ["hours", "events"])
def test_a_forged_proof_is_told(life: Life, tmp_path: Path, part: str) -> None:
    event = life.use(AT_NINE, 7)
    life.advance(FEBRUARY)
    proof = prove(life, event.id)

    proof[part] = json.loads(json.dumps(proof[part]).replace("7", "8"))
    proof["event"] = proof["events"][0]

    code, said = check(life, proof, tmp_path)
    assert (code, said.split(":")[0]) in {(1, "different"), (2, "unusable")}


def test_hours_of_a_ragged_period_are_those_of_its_events(life: Life) -> None:
    first = life.use(datetime(2025, 1, 1, tzinfo=UTC), 1)
    last = life.use(datetime(2025, 1, 31, 23, 59, tzinfo=UTC), 2)
    outside = life.use(datetime(2025, 2, 1, tzinfo=UTC), 4)
    life.advance(FEBRUARY)
    [invoice, *_] = life.invoices()

    assert len(prove(life, first.id)["hours"]) == 2
    assert prove(life, last.id)["included"]
    with pytest.raises(NotFound, match="not of the invoice's period"):
        prove(life, outside.id)
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        counted = find_counted_spans(session, life.shop.organization_id, invoice.id)
        assert [one.id for one in walk(session, counted)] == [first.id, last.id]


def test_pages_of_an_export_hold_every_event_once(life: Life) -> None:
    sent = [life.use(AT_NINE, 1 + number) for number in range(5)]
    sent.append(life.use(AT_NINE + timedelta(days=2), 9))
    life.advance(FEBRUARY)
    [invoice, *_] = life.invoices()

    found = []
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        rest: Counted | None = find_counted_spans(session, life.shop.organization_id, invoice.id)
        after_id = FIRST
        while rest is not None:
            page = read_page(session, rest, after_id=after_id, limit=2)
            found += [one.id for one in page.events]
            rest, after_id = page.rest, page.after_id

    assert sorted(found) == sorted(one.id for one in sent)

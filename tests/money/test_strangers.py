"""The stranger's script comes to the same total on random lives, from what it is given alone.

*Source: CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from io import StringIO
from pathlib import Path
from tokenize import generate_tokens

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.drawn.openings import draw_openings, live
from tests.money.strangers import SCRIPT, run, sign, write_files
from tests.services.receipts_of import receipts_of, signing

LIVES = 70
FEWEST_RECEIPTS = 50


@pytest.mark.parametrize(
    "name", ["verify.py", "rules.py", "credit.py", "commitments.py", "included.py"]
)
def test_each_page_is_short_enough_to_be_read(name: str) -> None:
    text = SCRIPT.with_name(name).read_text()
    words = [one.string for one in generate_tokens(StringIO(text).readline)]

    assert len(text.splitlines()) <= 100
    assert max(map(len, text.splitlines())) <= 100
    assert ";" not in words


def test_what_cannot_be_computed_is_not_called_different(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    files = {
        "receipt.json": {
            "receipt": sign({"key_id": "k", "currency_places": 2}, key),
            "terms": {"charges": [{"charge_id": "c", "pricing": {}}]},
            "inputs": {"share": {"covered": 1, "total": 0}, "usage": []},
            "lines": [],
        },
        "keys.json": {"keys": [{"kid": "k", "x": public}]},
    }
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))
    (tmp_path / "events.ndjson").write_text("")
    names = (tmp_path / name for name in ("receipt.json", "events.ndjson", "keys.json"))

    code, said = run([str(name) for name in names])

    assert (code, "ZeroDivisionError" in said) == (2, True)


PROBLEM = {"code": "not_found", "detail": "There is no such invoice.", "request_id": "r1"}


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("verify.py", (PROBLEM, "", {"keys": []})),
        ("verify.py", (PROBLEM, PROBLEM, PROBLEM)),
        ("verify.py", ({"receipt": {}}, PROBLEM, {"keys": []})),
        ("included.py", (PROBLEM, {"keys": []})),
        ("included.py", ({"receipt": {}}, PROBLEM)),
    ],
)
def test_answer_of_an_error_is_called_one(
    name: str, answers: tuple[object, ...], tmp_path: Path
) -> None:
    files = [tmp_path / f"answer-{at}.json" for at in range(len(answers))]
    for file, said in zip(files, answers, strict=True):
        file.write_text(json.dumps(said) if said else "")

    done = subprocess.run(
        [sys.executable, str(SCRIPT.with_name(name)), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )

    told = "unusable: this is an answer of an error, There is no such invoice.\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.parametrize("name", ["verify.py", "included.py"])
def test_without_its_one_library_a_script_compares_nothing(name: str) -> None:
    # -S: without the packages that are installed here.
    words = [sys.executable, "-S", str(SCRIPT.with_name(name)), "none.json"]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (done.returncode, "unusable: ModuleNotFoundError" in done.stderr) == (2, True)


def test_without_its_second_page_the_script_says_which_is_missing(tmp_path: Path) -> None:
    alone = tmp_path / SCRIPT.name
    alone.write_text(SCRIPT.read_text())
    words = [sys.executable, str(alone), "none.json"]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "unusable: rules.py must lie beside verify.py\n")


def test_a_stranger_comes_to_every_total(
    transactions: Transactions, way_in: WayIn, tmp_path: Path
) -> None:
    checked = 0
    for opening in draw_openings(LIVES, number=59):
        shop = live(signing(transactions), way_in, opening).market.shop
        for receipt in receipts_of(shop):
            code, said = run(write_files(shop, receipt, tmp_path))

            assert code == 0, (opening, said)
            assert str(receipt.content["total"]) in said
            checked += 1
    assert checked >= FEWEST_RECEIPTS

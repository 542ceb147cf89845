"""A stranger who computes invoices again, from what anybody is given and by the script alone."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.invoicing.receipts import canonical_bytes
from models.invoicing.receipts import SignedReceipt
from repositories.invoicing import receipt_keys as stored_keys
from services.documents.assembly import read_invoice
from services.receipts.export import describe_event, find_counted_spans, walk
from services.receipts.signing import public_jwk
from tests.services.shop import Shop

SCRIPT = Path(__file__).parents[2] / "docs" / "verify" / "verify.py"


def write_files(shop: Shop, receipt: SignedReceipt, folder: Path) -> list[str]:
    """What a stranger gets: the arguments of the script."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        document = read_invoice(session, shop.organization_id, receipt.invoice_id).receipt
        counted = find_counted_spans(session, shop.organization_id, receipt.invoice_id)
        events = [json.dumps(describe_event(one)) for one in walk(session, counted)]
        keys = stored_keys.list_active_keys(session, [shop.organization_id])
    (folder / "receipt.json").write_bytes(document)
    (folder / "events.ndjson").write_text("".join(f"{one}\n" for one in events))
    published = [public_jwk(one.key_id, one.public_key) for one in keys.values()]
    (folder / "keys.json").write_text(json.dumps({"keys": published}))
    return [
        str(folder / "receipt.json"),
        str(folder / "events.ndjson"),
        "--keys",
        str(folder / "keys.json"),
    ]


def run(arguments: list[str]) -> tuple[int, str]:
    """How the script ends, and all that it says."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def sign(receipt: dict[str, object], key: Ed25519PrivateKey) -> dict[str, object]:
    """A receipt with its digest and signature."""
    message = canonical_bytes(receipt)
    signature = urlsafe_b64encode(key.sign(message)).decode().rstrip("=")
    return {**receipt, "digest": sha256(message).hexdigest(), "signature": signature}

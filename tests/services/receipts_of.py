"""Receipts of a shop's invoices: who signs them, and what the database says of them."""

from __future__ import annotations

from dataclasses import replace

from models.invoicing.receipts import SignedReceipt
from repositories.invoicing import receipts as stored_receipts
from repositories.transactions import Transactions
from runtime.sealing import Sealer
from services.receipts.signing import SIGNER, ReceiptSigner
from tests.services.shop import Shop

OPERATORS_KEY = "a key that only the operator of tests knows"


def signing(transactions: Transactions, secret_key: str = OPERATORS_KEY) -> Transactions:
    """The same in a process that has the operator's key."""
    signer = ReceiptSigner(Sealer(secret_key))
    return Transactions(transactions._engine, {SIGNER: signer})


def with_signer(shop: Shop, secret_key: str = OPERATORS_KEY) -> Shop:
    """The shop in a process that has the operator's key."""
    return replace(shop, transactions=signing(shop.transactions, secret_key))


def receipts_of(shop: Shop) -> list[SignedReceipt]:
    """Every receipt of the shop, in its order."""
    return list(shop.read(stored_receipts.list_after, 0, limit=1000))

"""Receipts of issued invoices: signed, chained, published, checked."""

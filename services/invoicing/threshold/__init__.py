"""Invoices of periods that still run: what is not billed yet has reached a threshold."""

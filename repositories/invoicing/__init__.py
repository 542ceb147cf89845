"""Invoices, credit notes, the steps behind them and what corrects them."""

"""The audit log: what binds its entries, and how they are exported."""

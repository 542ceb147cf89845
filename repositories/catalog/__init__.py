"""Features, meters, plans and their versions, tax rates, claims of meters."""

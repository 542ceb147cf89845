"""Data about people: where it is, how a customer's is shown and erased, how long the rest stays."""

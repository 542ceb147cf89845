"""Use cases: load, decide, save. One call is one transaction, opened and committed by the edge."""

"""Usage by properties of its events: what each group of a span comes to, and its roll-ups."""

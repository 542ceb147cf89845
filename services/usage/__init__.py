"""Usage as people and bills read it, and corrections of events."""

"""The schema's history. runtime.migrations runs it; policies holds what it cannot see."""

"""The schema's history. runtime.database.migrations runs it; policies holds what it cannot see."""

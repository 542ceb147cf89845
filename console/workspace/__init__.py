"""The console: what members see and do, asked of the API as they would ask it."""

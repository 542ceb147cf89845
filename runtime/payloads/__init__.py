"""How what workflows are told is written into Temporal: as JSON, or sealed by keys."""

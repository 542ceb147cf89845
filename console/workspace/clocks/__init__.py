"""Test clocks: where each stands, and what came of moving it."""

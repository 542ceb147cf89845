"""Commitments: what customers of a plan owe of a term at least, and what a bill adds to it."""

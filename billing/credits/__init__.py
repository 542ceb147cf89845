"""Prepaid credit: units, grants, and which grant pays which part of a bill."""

"""Connections and gateway events, as bodies and answers."""

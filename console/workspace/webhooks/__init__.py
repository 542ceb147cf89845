"""Webhooks: who listens, what was told, and what each try was answered."""

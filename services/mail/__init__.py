"""Mails: asked for, made and handed to whoever sends them."""

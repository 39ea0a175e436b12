"""Frequently downloaded forms, open to everyone (S-31)."""

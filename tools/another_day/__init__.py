"""Runs a command on another day: Python, PostgreSQL, Redis, and everything that they start. For `make test TODAY=...`.

`docs/developers/another-day.md` says what TODAY may be and how this works.
"""

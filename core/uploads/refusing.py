"""Refusing a file, with a sentence for the person who sent it."""

from __future__ import annotations


class RefusedError(ValueError):
    """The file isn't taken; the message is a sentence that goes next to the field."""

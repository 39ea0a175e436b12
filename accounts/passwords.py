"""Rules for new passwords, in addition to Django's (docs/security.md#passwords)."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError


class MaximumLengthValidator:
    """Limits a password to 128 characters of any kind."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a longer password."""
        if len(password) > self.max_length:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"Use {self.max_length} characters or fewer."


class ContextWordsValidator:
    """Rejects passwords built around the names of the carrier or the portal: attackers try these first."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if fewer than 8 characters remain without such words."""
        rest = password.casefold()
        for word in self._words():
            rest = rest.replace(word, "")
        if rest != password.casefold() and len(rest) < 8:
            raise ValidationError(self.get_help_text(), code="password_context")

    def get_help_text(self) -> str:
        return f"Don’t base your password on names like “{settings.BRAND['name']}” or “portal.”"

    def _words(self) -> list[str]:
        names = " ".join(str(settings.BRAND[key]) for key in ("name", "legal_name", "portal_name"))
        words = {word for word in re.findall(r"\w+", names.casefold()) if len(word) >= 4}
        return sorted(words | {"portal"}, key=len, reverse=True)

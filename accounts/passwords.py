"""Rules for new passwords besides Django's own (SECURITY: password)."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError


class MaximumLengthValidator:
    """At most 128 characters, of any kind."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError on a longer one."""
        if len(password) > self.max_length:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule in a sentence."""
        return f"A password has at most {self.max_length} characters."


class ContextWordsValidator:
    """Not built around the names of the carrier or the portal: they are the first guesses of whoever attacks it."""

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError where such a word is most of the password: fewer than 8 other characters are left."""
        rest = password.casefold()
        for word in self._words():
            rest = rest.replace(word, "")
        if rest != password.casefold() and len(rest) < 8:
            raise ValidationError(self.get_help_text(), code="password_context")

    def get_help_text(self) -> str:
        """The rule in a sentence."""
        return f"A password is not built around names like “{settings.BRAND['name']}” or “portal”."

    def _words(self) -> list[str]:
        names = " ".join(str(settings.BRAND[key]) for key in ("name", "legal_name", "portal_name"))
        words = {word for word in re.findall(r"\w+", names.casefold()) if len(word) >= 4}
        return sorted(words | {"portal"}, key=len, reverse=True)

"""Rules for new passwords, in addition to Django's (docs/security.md#passwords)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.passwords import breached
from accounts.passwords.folding import fold, unleet

# What must remain of a password without the words that anyone could guess.
REST = 8
SHORTEST_WORD = 4
ABOUT_THE_OWNER = ("first_name", "last_name", "username", "email")


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


class BreachedPasswordValidator:
    """Rejects passwords that attackers try first, because they are known from breaches elsewhere."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a password of the bundled list or of the carrier's large one."""
        if breached.is_bundled(password) or breached.is_in_large_list(password):
            raise ValidationError(self.get_help_text(), code="password_breached")

    def get_help_text(self) -> str:
        return "This password is on lists that attackers use. Choose a few words that don’t belong together."


class ContextWordsValidator:
    """Rejects passwords built around the names of the carrier, the portal, or the owner: attackers try these first."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if fewer than 8 characters remain without such words."""
        if self._is_about(password, self._words_of_carrier()):
            raise ValidationError(self.get_help_text(), code="password_context")
        if self._is_about(password, self._words_of(user)):
            raise ValidationError(
                "Don’t base your password on your name, username, email, or phone number.", code="password_about_owner"
            )

    def get_help_text(self) -> str:
        return f"Don’t base your password on names like “{settings.BRAND['name']}” or “portal.”"

    def _is_about(self, password: str, words: set[str]) -> bool:
        """Whether too little remains without these words, longest first, in any spelling of the password."""
        ordered = sorted(words, key=len, reverse=True)
        folded = fold(password)
        for spelled in {*unleet(folded), re.sub(r"[\W_]+", "", folded)}:
            rest = spelled
            for word in ordered:
                rest = rest.replace(word, "")
            if rest != spelled and len(rest) < REST:
                return True
        return False

    def _words_of_carrier(self) -> set[str]:
        return self._words(str(settings.BRAND[key]) for key in ("name", "legal_name", "portal_name")) | {"portal"}

    def _words_of(self, user: object) -> set[str]:
        digits = re.sub(r"\D+", "", str(getattr(user, "phone", "") or ""))
        # With and without the country code.
        return self._words(str(getattr(user, name, "") or "") for name in ABOUT_THE_OWNER) | {digits, digits[-10:]} - {
            ""
        }

    @staticmethod
    def _words(texts: Iterable[str]) -> set[str]:
        """Return the words of these texts, and each text whole without its spaces and symbols."""
        found: set[str] = set()
        for text in map(fold, texts):
            found |= {*re.findall(r"[^\W_]+", text), re.sub(r"[\W_]+", "", text), text}
        return {word for word in found if len(word) >= SHORTEST_WORD}

"""Rules for new passwords, and how strong one is."""

from accounts.passwords.rules import BreachedPasswordValidator, ContextWordsValidator, MaximumLengthValidator

__all__ = ["BreachedPasswordValidator", "ContextWordsValidator", "MaximumLengthValidator"]

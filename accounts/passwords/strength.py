"""How hard a password is to guess, in words (S-13). What is typed is neither stored nor logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from accounts.models import User

SHORTEST = 12
# The estimate takes exponential time in odd cases, up to two seconds for 64 characters. 30 are enough: what is hard to
# guess by its first 30 characters is.
ESTIMATED = 30
WORDS = ("Very weak", "Weak", "Fair", "Good", "Strong")


@dataclass(frozen=True, slots=True)
class Strength:
    """A score from 0 to 4, its word, and one sentence on what to do; `is_accepted`: whether the form would take it."""

    score: int
    word: str
    advice: str
    is_accepted: bool


def strength_of(password: str, user: User | None) -> Strength | None:
    """Return how strong a password is, None for an empty one. A refused one is weak at most, and says why."""
    if not password:
        return None
    if len(password) < SHORTEST:
        missing = SHORTEST - len(password)
        return Strength(0, "Too short", f"Add {missing} more character{'' if missing == 1 else 's'}.", False)
    try:
        validate_password(password, user)
    except ValidationError as refused:
        return Strength(1, "Not accepted", str(refused.messages[0]), False)
    # 12 MB, which workers do without.
    from zxcvbn import zxcvbn

    score = int(zxcvbn(password[:ESTIMATED], user_inputs=_about(user))["score"])
    advice = "" if score >= 3 else "It’s accepted, but another uncommon word would make it much harder to guess."
    return Strength(score, WORDS[score], advice, True)


def _about(user: User | None) -> list[str]:
    if user is None:
        return []
    return [text for text in (user.username, user.first_name, user.last_name, user.email) if text]

"""Usernames that the carrier's feed names for its contacts (`contacts.csv`): nobody else takes one (S-08)."""

from __future__ import annotations

from django.db.models import F, Func, Value
from django.db.models.functions import Lower, Trim

from accounts.models.users import fold_username
from policies.models import Contact

NORMAL = Func(F("username"), template="normalize(%(expressions)s, NFKC)")
ONE_SPACED = Func(NORMAL, Value(r"\s+"), Value(" "), Value("g"), function="regexp_replace")
NOT_ASCII = r"[^\u0001-\u007f]"


def is_named(key: str) -> bool:
    """Return whether a contact on file has a username that folds to this key (`accounts.models.users.fold_username`).
    The hook `accounts.username_is_named`."""
    on_file = Contact.objects.filter(retired_at=None).exclude(username="")
    if on_file.annotate(folded=Lower(Trim(ONE_SPACED))).filter(folded=key).exists():
        return True
    # The database folds letters A to Z; for the few others we do.
    others = on_file.filter(username__regex=NOT_ASCII).values_list("username", flat=True)
    return any(fold_username(username) == key for username in others.iterator())

"""Someone to register as: a clinician of the demo's group who has no account yet."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from core.crypto import keyed_hash
from demo.data import SEED, Book
from feed.example import births_in_group, cast
from policies.models import Insured


@dataclass(frozen=True, slots=True)
class Registrant:
    """What to enter on the page for a new account."""

    policy_number: str
    full_name: str
    date_of_birth: str
    zip: str
    email: str


def someone_to_register() -> Registrant | None:
    """Return a clinician who has no account and an email of their own; None once everyone in the group has one."""
    book = Book.saved()
    if book is None:
        return None
    births = _births(book.today)
    people = Insured.objects.not_retired().filter(source=cast().source, external_id__in=births, memberships=None)
    for insured in people.exclude(email="").order_by("external_id"):
        born = births[insured.external_id]
        # A book of another day has other people; what doesn't match would only mislead.
        if insured.date_of_birth_hash == keyed_hash("date_of_birth", born.isoformat()):
            return Registrant(
                policy_number=cast().group_policy_number,
                full_name=insured.display_name,
                date_of_birth=f"{born:%m/%d/%Y}",
                zip=insured.zip,
                email=insured.email,
            )
    return None


@lru_cache(maxsize=1)
def _births(today: dt.date) -> dict[str, dt.date]:
    return births_in_group(seed=SEED, today=today)

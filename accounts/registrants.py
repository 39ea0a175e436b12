"""What accounts ask the areas above about people who want an account: who they are, and what an account gives them.

Accounts know no policies. An area offers four hooks:

- `accounts.match_registrant`: `Applicant` to `Match`; `accounts.judge_parties`: the same for parties that staff chose.
- `accounts.person_on_file`: parties to `Person`, or None where they are no longer on file.
- `accounts.grant_registrant`: memberships for a new user, in the caller's transaction; False where a party may no
  longer have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.db import models

from accounts.models import Registration, User
from accounts.models.registrations import Reason
from core.areas import hook


class Party(TypedDict):
    """One of the carrier's rows that a person is, such as `{"kind": "insured", "id": 12}`."""

    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Applicant:
    """What a person gave to prove who they are, as typed; of the date of birth, the keyed hash."""

    policy_number: str
    full_name: str
    date_of_birth_hash: str
    zip: str

    @classmethod
    def of(cls, registration: Registration) -> Applicant:
        """Return what a registration was asked with."""
        return cls(
            policy_number=registration.policy_number,
            full_name=registration.full_name,
            date_of_birth_hash=registration.date_of_birth_hash,
            zip=registration.zip,
        )


@dataclass(frozen=True, slots=True)
class Match:
    """What the carrier's data say about an applicant.

    parties: whom the applicant is, none without a match. reason: why nobody fits, or why staff must decide; None where
    the person may have an account. emails: the addresses on file for the parties, and own: those of them that no other
    party has. accounts: users that already act for the parties. posted: whether there's an address for a letter.
    """

    parties: tuple[Party, ...] = ()
    reason: Reason | None = None
    emails: tuple[str, ...] = ()
    own: frozenset[str] = field(default=frozenset())
    accounts: tuple[int, ...] = ()
    posted: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the carrier has them on file. `labels` say whom they are, for staff."""

    first_name: str
    last_name: str
    name: str
    address: tuple[str, ...]
    labels: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)


def match_registrant(applicant: Applicant) -> Match:
    """Compare an applicant with the carrier's data."""
    found: Match = _hook("accounts.match_registrant")(applicant)
    return found


def person_on_file(parties: Iterable[Party]) -> Person | None:
    """Return who the parties are, or None where one of them is no longer on file."""
    found: Person | None = _hook("accounts.person_on_file")(list(parties))
    return found


def judge_parties(parties: Iterable[Party]) -> Match:
    """Return what `match_registrant` would say of someone who is these parties, for staff who chose them."""
    found: Match = _hook("accounts.judge_parties")(list(parties))
    return found


def grant_registrant(*, user: User, parties: Iterable[Party], by: models.Model | None, reason: str) -> bool:
    """Give a new user the memberships of the parties, in the current transaction. False, and nothing granted, where a
    party has an account by now, is no longer on file, or had its access ended by a person."""
    return bool(_hook("accounts.grant_registrant")(user=user, parties=list(parties), by=by, reason=reason))


def _hook(name: str) -> Callable[..., Any]:
    found = hook(name)
    if found is None:
        raise LookupError(f"No area offers the hook {name}.")
    return found

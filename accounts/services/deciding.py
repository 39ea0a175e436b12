"""What staff do about registrations that didn't complete themselves (S-07; docs/staff.md#registrations)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models, transaction

from accounts import emails, registrants
from accounts.events import AccountEvent
from accounts.models import Registration, User
from accounts.models.registrations import Reason
from accounts.registrants import Match, Party
from accounts.services.registering import NoLongerPossibleError, Status, keep_address
from core.events import record_event


class Way(models.TextChoices):
    """How someone whose registration staff complete gets to the page that makes the account."""

    ON_FILE = "on_file", "A link to the email on file"
    TYPED = "typed", "A link to the email that was typed: you checked that it’s the person’s"
    LETTER = "letter", "A letter with a code, to the mailing address on file"


def complete(*, registration: Registration, parties: Iterable[Party], way: str, by: User, reason: str) -> None:
    """Let staff say who a registrant is, and how they get their link or code. Everyone on file hears of it.

    Raises NoLongerPossibleError where the registration is done or was refused, the person has an account (a second one
    isn't made), or what the way needs isn't on file.
    """
    with transaction.atomic():
        locked = Registration.objects.select_for_update(of=("self",)).get(pk=registration.pk)
        found = registrants.judge_parties(parties)
        address = _address_of(found, way, typed=locked.email)
        if locked.status not in Registration.OPEN_TO_STAFF or address is None:
            raise NoLongerPossibleError
        locked.parties, locked.reason, locked.decided_by = list(found.parties), "", by
        locked.status = Status.LINK if address else Status.LETTER
        keep_address(locked, address)
        record_event(
            AccountEvent.REGISTRATION_DECIDED, subject=locked, by=by, way=way, because=reason, **locked.facts()
        )
        if address:
            emails.registration(locked)
        emails.registration_noted(locked, [email for email in found.emails if email != address])


def _address_of(found: Match, way: str, *, typed: str) -> str | None:
    """Return the email that the link goes to, "" for a letter, and None where the way isn't open."""
    if not found.parties or found.reason is Reason.HAS_ACCOUNT:
        return None
    if way == Way.ON_FILE:
        return next((email for email in found.emails if email in found.own), None)
    if way == Way.TYPED:
        return typed
    return "" if found.posted else None


def refuse(*, registration: Registration, by: User, reason: str) -> None:
    """Close a registration. Its link or code stops working, and nobody is told.

    Raises NoLongerPossibleError where an account was made of it.
    """
    with transaction.atomic():
        locked = Registration.objects.select_for_update(of=("self",)).get(pk=registration.pk)
        if locked.status not in Registration.OPEN_TO_STAFF:
            raise NoLongerPossibleError
        locked.status, locked.decided_by = Status.REFUSED, by
        keep_address(locked, "")
        record_event(AccountEvent.REGISTRATION_REFUSED, subject=locked, by=by, because=reason, **locked.facts())

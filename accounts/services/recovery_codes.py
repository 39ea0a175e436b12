"""Recovery codes (S-09; docs/security.md#codes): drawing a set, and signing in with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from accounts import emails
from accounts.events import AccountEvent
from accounts.methods import devices_of
from accounts.models import Outcome, Purpose, RecoverySet, User
from accounts.services import changes, codes, links
from accounts.services.changes import Change
from core import easy_codes
from core.events import record_event


def set_of(user: User) -> RecoverySet | None:
    """Return the user's set of recovery codes, used up or not."""
    return RecoverySet.objects.filter(user=user).first()


def draw(*, user: User, drawn: int) -> list[str] | None:
    """Make a new set, which voids the one before, and return its codes as they are printed: the only time that they can
    be shown.

    `drawn`: how many sets the user had seen when asking. None where a newer one was drawn since, as by the same form
    sent twice, or where the user has no method that the codes could stand in for.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if not devices_of(user):
            return None
        made, _new = RecoverySet.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
        if made.drawn != drawn:
            return None
        fresh = made.draw()
        record_event(AccountEvent.RECOVERY_DRAWN, subject=user, by=user, device=made.public_id, codes=len(fresh))
        changes.announce(change=Change.RECOVERY_CODES, user=user, by=user)
    return [easy_codes.in_groups(code) for code in fresh]


def verify(*, device: RecoverySet, code: str, request: HttpRequest) -> Outcome:
    """Judge a recovery code. The right one completes the session's sign-in, and the owner is told."""
    with transaction.atomic():
        outcome = codes.verify(device=device, code=code, request=request)
        if outcome is Outcome.ACCEPTED:
            _tell_owner(device)
    return outcome


def _tell_owner(device: RecoverySet) -> None:
    """Mail that a code was used and how many are left, with a lock link."""
    user = device.user
    if user.email:
        link = links.issue(user=user, purpose=Purpose.LOCK, email=user.email, by=user, change=Change.RECOVERY_USED)
        emails.recovery_code_used(link, left=device.left())


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the mail about a used code says, with its link drawn. The hook `mail.recovery_code_used`."""
    drawn = links.mail_context(stored)
    return None if drawn is None else drawn | {"left": stored["left"], "days": drawn["hours"] // 24}

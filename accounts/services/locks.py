"""Why an account can't sign in, until when, and how staff lock and unlock it (S-14; docs/security.md#lockout).

A *lock* is set by staff and lasts until staff lift it. A *cool-off* follows wrong passwords or codes, and ends itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.methods import devices_of
from accounts.models import AccountLock, RecoverySet, User
from accounts.models.sessions import EndReason
from accounts.services import enrollment, links
from accounts.services.signing_in import PASSWORDS, PASSWORDS_ON_DEVICE
from core.events import record_event, subject_label
from core.models import Event


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why a user can't sign in: what it concerns, why, and until when (None: until staff lift it)."""

    what: str
    why: str
    until: dt.datetime | None


def obstacles_of(user: User) -> list[Obstacle]:
    """Return what keeps this user out now: a lock, and cool-offs of the password and of each method."""
    found = [Obstacle("The account", f"Locked: {lock.reason}", None) for lock in user.locks.filter(lifted_at=None)]
    if not user.is_active:
        found.append(Obstacle("The account", "Deactivated by staff", None))
    until = PASSWORDS.closed_until(user.username_key)
    if until is not None:
        found.append(Obstacle("Password", "Too many wrong passwords", until))
    for browser in user.trusted_devices.usable():
        until = PASSWORDS_ON_DEVICE.closed_until(browser.public_id)
        if until is not None:
            found.append(Obstacle(f"Password on {browser.label}", "Too many wrong passwords", until))
    for device in [*devices_of(user), *RecoverySet.objects.filter(user=user)]:
        if device.is_off():
            found.append(Obstacle(device.name, f"Disabled after {device.failures_off} wrong codes", None))
        elif device.is_cooling_off():
            found.append(Obstacle(device.name, "Too many wrong codes", device.cool_off_until))
    return found


def locked_now() -> QuerySet[User]:
    """Return the users whom staff locked, or whose password cools off after wrong ones. Two queries, and its own.

    A cool-off is kept under a hash of the username, so the event log says whom to ask about.
    """
    since = timezone.now() - (PASSWORDS.cool_off or dt.timedelta())
    locked = Event.objects.filter(tag=AccountEvent.PASSWORD_LOCKED, at__gt=since, subject_type=subject_label(User))
    known = {int(pk) for pk in locked.values_list("subject_id", flat=True)}
    keys = dict(User.objects.filter(pk__in=known).values_list("username_key", "pk"))
    cooling_off = [keys[key] for key in PASSWORDS.closed_among(keys)]
    by_staff = AccountLock.objects.filter(user=OuterRef("pk"), lifted_at=None)
    return User.objects.filter(Q(pk__in=cooling_off) | Exists(by_staff))


def _refuse_unless_served(user: User, by: User) -> None:
    if not user.is_served_by(by):
        raise PermissionDenied


def lock(*, user: User, by: User, reason: str) -> AccountLock:
    """Lock an account at once, end its sessions, and revoke its remembered devices. A locked account keeps the lock it
    has. Raises PermissionDenied if `by` may not (see `User.is_served_by`)."""
    _refuse_unless_served(user, by)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        present = user.locks.filter(lifted_at=None).first()
        if present is not None:
            return present
        made = AccountLock.objects.create(user=user, created_by=by, reason=reason)
        user.bump_epoch()
        user.sessions.open().end(EndReason.LOCKED)
        record_event(AccountEvent.LOCKED, subject=user, by=by, reason=reason)
        return made


def unlock(*, user: User, by: User, reason: str, kept: Mapping[str, bool] | None = None) -> list[Obstacle]:
    """End the lock and every cool-off, record who, why, and what, and return what was lifted.

    Behind a lock, someone else may have the password or a factor. So lifting it voids the password, `kept` says for
    each factor (by its public id) whether it stays, and the owner gets a link to choose a password. A cool-off alone
    changes neither. Raises PermissionDenied if `by` may not (see `User.is_served_by`), and ValueError if the account is
    locked and a factor is undecided.
    """
    _refuse_unless_served(user, by)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        lifted = obstacles_of(user)
        locked = user.locks.filter(lifted_at=None).exists()
        decided = _start_over(user, by, kept or {}) if locked else {}
        user.locks.filter(lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by, lift_reason=reason)
        PASSWORDS.reset(user.username_key)
        for browser in user.trusted_devices.usable():
            PASSWORDS_ON_DEVICE.reset(browser.public_id)
        for device in [*devices_of(user), *RecoverySet.objects.filter(user=user)]:
            if device.is_off() or device.is_cooling_off():
                device.switch_on()
        record_event(
            AccountEvent.UNLOCKED,
            subject=user,
            by=by,
            reason=reason,
            lifted=[f"{each.what}: {each.why}" for each in lifted],
            **decided,
        )
        if locked and user.email:
            links.send_activation(user=user, by=by)
        return lifted


def _start_over(user: User, by: User, kept: Mapping[str, bool]) -> dict[str, Any]:
    """Void the password, remove the factors that staff don't keep, and return the names of those kept and removed."""
    found = devices_of(user)
    if {device.public_id for device in found} - set(kept):
        raise ValueError("Each factor of a locked account needs a decision.")
    user.set_unusable_password()
    user.save(update_fields=["password", "password_changed_at"])
    record_event(AccountEvent.PASSWORD_VOIDED, subject=user, by=by, because="unlocked")
    # An intruder may have made them, or seen them.
    RecoverySet.objects.filter(user=user).delete()
    decided: dict[str, Any] = {"kept": [], "removed": []}
    for device in found:
        decided["kept" if kept[device.public_id] else "removed"].append(device.name)
        if not kept[device.public_id]:
            enrollment.remove(device=device, by=by)
    return decided

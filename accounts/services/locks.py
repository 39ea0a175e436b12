"""Why an account can't sign in, until when, and its unlocking by staff (S-14; SECURITY: locked)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.methods import devices_of
from accounts.models import AccountLock, User
from accounts.models.sessions import EndReason
from accounts.services.signing_in import PASSWORDS, PASSWORDS_ON_DEVICE
from core import throttle
from core.events import record_event


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that keeps a user out: what it concerns, why, and until when (None: until staff lift it)."""

    what: str
    why: str
    until: datetime | None


def locks_on(user: User) -> list[Obstacle]:
    """Everything that keeps this user out now: a lock, and cooling-offs of the password and of each method."""
    found = [Obstacle("The account", f"Locked: {lock.reason}", None) for lock in user.locks.filter(lifted_at=None)]
    if not user.is_active:
        found.append(Obstacle("The account", "Set inactive by staff", None))
    until = throttle.blocked_until(PASSWORDS, user.username_key)
    if until is not None:
        found.append(Obstacle("Password", "Too many wrong passwords", until))
    for browser in user.trusted_devices.usable():
        until = throttle.blocked_until(PASSWORDS_ON_DEVICE, browser.public_id)
        if until is not None:
            found.append(Obstacle(f"Password on {browser.label}", "Too many wrong passwords", until))
    for device in devices_of(user):
        if device.is_off():
            found.append(Obstacle(device.name, "Switched off after 100 wrong codes in a row", None))
        elif device.is_cooling_off():
            found.append(Obstacle(device.name, "Too many wrong codes", device.cool_off_until))
    return found


def _refuse_unless_served(user: User, by: User) -> None:
    if not user.is_served_by(by):
        raise PermissionDenied


def lock(*, user: User, by: User, reason: str, request: HttpRequest) -> AccountLock:
    """Lock an account at once: its sessions end and its remembered devices are revoked. An account that is locked
    already keeps its lock. Raises PermissionDenied where `by` may not (see `User.is_served_by`)."""
    _refuse_unless_served(user, by)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        standing = user.locks.filter(lifted_at=None).first()
        if standing is not None:
            return standing
        made = AccountLock.objects.create(user=user, created_by=by, reason=reason)
        user.bump_epoch()
        user.sessions.open().end(EndReason.LOCKED)
        record_event(AccountEvent.LOCKED, actor=by, subject=user, request=request, data={"reason": reason})
        return made


def unlock(*, user: User, by: User, reason: str, request: HttpRequest) -> list[Obstacle]:
    """Lift everything that `locks_on` shows but an inactive account, and record who, why and what. Returns it.

    Raises PermissionDenied where `by` may not (see `User.is_served_by`).
    """
    _refuse_unless_served(user, by)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        lifted = locks_on(user)
        user.locks.filter(lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by, lift_reason=reason)
        throttle.reset(PASSWORDS, user.username_key)
        for browser in user.trusted_devices.usable():
            throttle.reset(PASSWORDS_ON_DEVICE, browser.public_id)
        for device in devices_of(user):
            if device.is_off() or device.is_cooling_off():
                device.switch_on()
        record_event(
            AccountEvent.UNLOCKED,
            actor=by,
            subject=user,
            request=request,
            data={"reason": reason, "lifted": [f"{each.what}: {each.why}" for each in lifted]},
        )
        return lifted

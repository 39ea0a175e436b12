"""What users do with the sign-in methods they have (S-09): rename one, choose the first, remove one.

Each is announced by mail with a lock link. Setting one up is in `enrollment` and `passkeys`.
"""

from __future__ import annotations

from django.db import transaction

from accounts.events import AccountEvent
from accounts.methods import devices_of, may_go
from accounts.models import CodeDevice, User
from accounts.services import changes, enrollment
from accounts.services.changes import Change
from core.events import record_event


class LastMethodError(Exception):
    """The method can't go: no other one would work by itself."""


def rename(*, device: CodeDevice, name: str) -> bool:
    """Give a method the name that its owner typed, and return whether it's another one. False, too, where the method
    was removed meanwhile."""
    if device.name == name:
        return False
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=device.user_id)
        if not type(device).objects.filter(pk=device.pk).update(name=name):
            return False
        device.name = name
        record_event(AccountEvent.METHOD_RENAMED, subject=user, by=user, device=device.public_id, name=name)
        changes.announce(change=Change.METHOD_RENAMED, user=user, by=user)
    return True


def choose_first(*, user: User, public_id: str) -> bool:
    """Ask for this method first from now on, "": for the one used last. Return whether that's a change. A method that
    was removed meanwhile isn't chosen."""
    if user.default_method == public_id:
        return False
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        chosen = next((device.name for device in devices_of(user) if device.public_id == public_id), "")
        if public_id and not chosen:
            return False
        user.default_method = public_id
        user.save(update_fields=["default_method"])
        record_event(AccountEvent.METHOD_CHOSEN, subject=user, by=user, device=public_id, name=chosen)
        changes.announce(change=Change.METHOD_CHOSEN, user=user, by=user)
    return True


def remove(*, device: CodeDevice) -> None:
    """Remove one of a user's methods, which ends every session (docs/decisions/0086-removing-a-method.md). Raises
    LastMethodError where no other one would work by itself; of two at once, one stays."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=device.user_id)
        devices = devices_of(user)
        if device not in devices:
            return
        if not may_go(device, devices):
            raise LastMethodError
        enrollment.remove(device=device, by=user)
        changes.announce(change=Change.METHOD_REMOVED, user=user, by=user)

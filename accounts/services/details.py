"""What an owner changes about the account: name, phone, mailing address, time zone, language, and notices (S-13).

Each change is stored by its own columns, recorded by the names of its fields, and told to the carrier by the outbox
(`accounts.contact_changed`). Changes that an intruder could use are told to the owner, with a lock link, and keep what
was there before (docs/security.md#preferences).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import session_of, user_of
from accounts.models import DetailChange, Session, User
from accounts.models.sessions import EndReason
from accounts.services import changes
from accounts.services.changes import Change
from core import outbox
from core.events import record_event

CONTACT_CHANGED = "accounts.contact_changed"
NAME = ("first_name", "last_name")
PHONE = ("phone",)
ADDRESS = ("address1", "address2", "city", "state", "zip")


def change_name(*, request: HttpRequest, **typed: str) -> bool:
    """Change the owner's name. Return whether it differs from the present one."""
    return _change(user_of(request), Change.NAME, {name: typed[name] for name in NAME})


def change_address(*, request: HttpRequest, **typed: str) -> bool:
    """Change the mailing address. Return whether it differs from the present one."""
    return _change(user_of(request), Change.ADDRESS, {name: typed[name] for name in ADDRESS})


def change_phone(*, request: HttpRequest, phone: str) -> bool:
    """Change the phone number at which we call the owner. Other sessions end, and remembered devices are revoked.
    Return whether it differs from the present one."""
    with transaction.atomic():
        changed = _change(user_of(request), Change.PHONE, {"phone": phone})
        if changed:
            leave_only(request)
        return changed


def choose(*, user: User, **chosen: Any) -> None:
    """Store the time zone, the language, or the notices wanted. Nobody could use these against the owner, so no mail
    is sent."""
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        changed = [name for name, value in chosen.items() if getattr(locked, name) != value]
        for name in changed:
            setattr(user, name, chosen[name])
        if changed:
            user.save(update_fields=changed)
            record_event(AccountEvent.DETAILS_CHANGED, subject=user, on_behalf_of=user, fields=changed)
            tell_carrier(user, changed)


def _change(user: User, change: Change, typed: Mapping[str, str]) -> bool:
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        former = {name: getattr(locked, name) for name in typed}
        if former == dict(typed):
            return False
        for name, value in typed.items():
            setattr(user, name, value)
        user.save(update_fields=list(typed))
        keep_former(user, change, former)
        record_event(AccountEvent.DETAILS_CHANGED, subject=user, on_behalf_of=user, fields=list(typed))
        changes.announce(change=change, user=user, by=user)
        tell_carrier(user, typed)
    return True


def keep_former(user: User, change: Change, former: Mapping[str, Any], *, by: User | None = None) -> None:
    """Store what was there before a change, by the owner unless `by` says otherwise."""
    DetailChange.objects.create(user=user, change=change, former=dict(former), by=by or user)


def tell_carrier(user: User, fields: Iterable[str]) -> None:
    """Publish that contact details have changed. The message holds the fields' names; who needs the values reads them
    from the account."""
    payload = {"user": user.public_id, "fields": sorted(fields), "at": timezone.now().isoformat()}
    outbox.publish(CONTACT_CHANGED, payload, key=f"{user.public_id}:{uuid.uuid4().hex}")


def leave_only(request: HttpRequest) -> None:
    """Revoke all remembered devices and links, and end every session of the signed-in user but this one, which goes on
    under a new key."""
    user, own = user_of(request), session_of(request)
    user.bump_epoch()
    _others(user, own).end(EndReason.EVERYWHERE)
    request.session.cycle_key()


def _others(user: User, own: Session) -> Any:
    return user.sessions.open().exclude(pk=own.pk)

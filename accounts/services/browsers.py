"""What an owner, or web support, does about open sessions and remembered devices (docs/security.md#sessions).

All of it only closes what is open, so none of it asks for a fresh code: someone who finds a stranger in the list must
be able to act at once (docs/decisions/0079-sign-out-everywhere.md).
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import Session, TrustedDevice, User
from accounts.models.sessions import EndReason
from accounts.services.remembering import describe_agent
from core.events import record_event


def rename(*, device: TrustedDevice, label: str, by: User) -> None:
    """Give a remembered device another name."""
    with transaction.atomic():
        device.label = label
        device.save(update_fields=["label"])
        record_event(
            AccountEvent.DEVICE_RENAMED, subject=device.user, by=by, device=device.public_id, label=device.label
        )


def revoke(*, device: TrustedDevice, by: User) -> None:
    """Ask this device for a code again, and end the sessions that it opened without one. Twice changes nothing."""
    with transaction.atomic():
        revoked = TrustedDevice.objects.filter(pk=device.pk, revoked_at=None).update(revoked_at=timezone.now())
        if not revoked:
            return
        Session.objects.filter(trusted_device=device, verified_at=None).end(EndReason.ELSEWHERE)
        record_event(
            AccountEvent.DEVICE_REVOKED, subject=device.user, by=by, device=device.public_id, label=device.label
        )


def revoke_all(*, user: User, by: User, reason: str = "") -> int:
    """Revoke all remembered devices, and end the sessions that they opened without a code. Return how many devices."""
    _refuse_unless_served(user, by)
    with transaction.atomic():
        revoked = user.trusted_devices.filter(revoked_at=None).update(revoked_at=timezone.now())
        ended = EndReason.ELSEWHERE if by == user else EndReason.BY_STAFF
        user.sessions.exclude(trusted_device=None).filter(verified_at=None).end(ended)
        _record(AccountEvent.DEVICES_REVOKED, user, by, reason, devices=revoked)
    return revoked


def end_session(*, session: Session, by: User) -> None:
    """End one session; what is open in its browser is closed at the next click. Twice changes nothing."""
    with transaction.atomic():
        ended = Session.objects.filter(pk=session.pk).end(EndReason.ELSEWHERE)
        if ended:
            label = describe_agent(session.agent) if session.agent else ""
            record_event(
                AccountEvent.SESSION_CLOSED, subject=session.user, by=by, session=session.public_id, label=label
            )


def end_others(*, user: User, keep: Session) -> int:
    """End all sessions but this one. Return how many."""
    with transaction.atomic():
        ended = user.sessions.exclude(pk=keep.pk).end(EndReason.ELSEWHERE)
        record_event(AccountEvent.SESSIONS_CLOSED, subject=user, by=user, sessions=ended)
    return ended


def sign_out_everywhere(*, user: User, by: User, reason: str = "") -> int:
    """End every session, this one too, revoke every remembered device, and void links (a new epoch). Return how many
    sessions."""
    _refuse_unless_served(user, by)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        locked.bump_epoch()
        ended = locked.sessions.all().end(EndReason.EVERYWHERE if by == user else EndReason.BY_STAFF)
        _record(AccountEvent.SIGNED_OUT_EVERYWHERE, user, by, reason, sessions=ended)
    return ended


def _refuse_unless_served(user: User, by: User) -> None:
    """Raise PermissionDenied where staff act on an account that isn't theirs to serve (`User.is_served_by`)."""
    if by != user and not user.is_served_by(by):
        raise PermissionDenied


def _record(tag: AccountEvent, user: User, by: User, reason: str, **data: Any) -> None:
    if reason:
        data["reason"] = reason
    record_event(tag, subject=user, by=by, on_behalf_of=user if by != user else None, **data)

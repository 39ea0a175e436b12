"""Setting up a second factor (S-09), required at the first sign-in right after the password."""

from __future__ import annotations

import django_otp
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import SignIn, session_of, sign_in_of, user_of
from accounts.methods import devices_of
from accounts.models import (
    Attempt,
    AuthenticatorDevice,
    Channel,
    CodeDevice,
    Outcome,
    PhoneDevice,
    RecoverySet,
    Session,
    User,
)
from accounts.models.sessions import EndReason
from accounts.services import changes, email_change, signing_in
from accounts.services.changes import Change
from core.events import record_event


class MayNotEnrollError(Exception):
    """A session that gave only a password may not add a method to a user who has one."""


def may_enroll(*, request: HttpRequest) -> bool:
    """Whether this session may set up a method: it's fully signed in, or never was and its user has no method yet."""
    if sign_in_of(request) is SignIn.FULL:
        return True
    return session_of(request).verified_at is None and not devices_of(user_of(request))


def start_authenticator(*, request: HttpRequest, replaces: CodeDevice | None = None) -> AuthenticatorDevice:
    """Create a new seed for this session and drop the one shown before. `replaces`: the method that goes when the new
    one is ready."""
    session = session_of(request)
    device, _new = AuthenticatorDevice.objects.update_or_create(
        confirmed=False,
        set_up_in=session,
        defaults={
            "user": user_of(request),
            "name": "Authenticator app",
            "seed": AuthenticatorDevice.new_seed(),
            "created_at": timezone.now(),
            "last_step": 0,
            "replaces": replaces.public_id if replaces else "",
        },
    )
    return device


def start_phone(
    *,
    request: HttpRequest,
    number: str,
    channel: Channel = Channel.TEXT,
    extension: str = "",
    replaces: CodeDevice | None = None,
) -> PhoneDevice:
    """Take a phone number (E.164) for this session, for texts or for calls with an extension. Wrong codes of an earlier
    number in this session still count. `replaces`: the method that goes when the new one is ready."""
    session = session_of(request)
    with transaction.atomic():
        device = PhoneDevice.objects.select_for_update().in_set_up(session).first()
        if device is None:
            device = PhoneDevice(user=user_of(request), confirmed=False, set_up_in=session)
        elif (device.phone, device.channel, device.extension) != (number, channel, extension):
            # A code on its way to the earlier number must not confirm this one.
            device.challenges.open().update(voided_at=timezone.now())
        device.replaces = replaces.public_id if replaces else ""
        device.set_phone(number, channel=channel, extension=extension)
        device.save()
    return device


def confirm(*, device: CodeDevice, code: str, request: HttpRequest) -> Outcome:
    """Judge the first code of a device in setup. The right one makes the device ready and verifies the session.

    Of two sessions that gave only a password, the user's row lock lets one set up a method. Raises MayNotEnrollError
    for the second, and for a session that was ended meanwhile. Remembered devices don't survive a new method.
    """
    session, user = session_of(request), user_of(request)
    attempt = Attempt(code=code, session=session)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if not may_enroll(request=request) or not session.is_still_open():
            raise MayNotEnrollError
        accepted = django_otp.verify_token(locked, device.persistent_id, attempt)
        if accepted is not None:
            replaced = _take_place(accepted, locked, session)
            accepted.confirmed, accepted.set_up_in, accepted.replaces = True, None, ""
            accepted.save(update_fields=["confirmed", "set_up_in", "replaces"])
            type(accepted).objects.filter(user=locked, confirmed=False).delete()
            User.objects.filter(pk=locked.pk).update(factorless_since=None)
            locked.bump_epoch()
            record_event(
                AccountEvent.METHOD_REPLACED if replaced else AccountEvent.METHOD_ADDED,
                subject=user,
                by=user,
                device=accepted.public_id,
                method=accepted.method_code,
                name=accepted.name,
                replaced=replaced,
            )
            change = Change.METHOD_REPLACED if replaced else Change.METHOD_ADDED
            changes.announce(change=change, user=locked, by=user)
            email_change.confirm_present(user=locked)
    if accepted is not None:
        user.refresh_from_db(fields=["security_epoch"])
        signing_in.complete(request=request, device=accepted)
    return attempt.outcome or Outcome.WRONG


def _take_place(new: CodeDevice, user: User, session: Session) -> str:
    """Remove the method whose place a new one takes, and return its public id, "" where there is none. It was shown
    to be the owner's a moment ago, so this session goes on; every other one ends."""
    former = next((device for device in devices_of(user) if device.public_id == new.replaces), None)
    if former is None:
        return ""
    former.delete()
    if user.default_method == former.public_id:
        user.default_method = new.public_id
        user.save(update_fields=["default_method"])
    user.sessions.open().exclude(pk=session.pk).end(EndReason.EVERYWHERE)
    return former.public_id


def remove(*, device: CodeDevice, by: User | None) -> None:
    """Remove a method from its account. Every session ends and every remembered device is revoked, so that none of them
    continues without it. Another method needs a fresh password first (docs/security.md#sign-in)."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=device.user_id)
        told = {"device": device.public_id, "name": device.name, "method": device.method_code}
        device.delete()
        if user.default_method == told["device"]:
            user.default_method = ""
            user.save(update_fields=["default_method"])
        if not devices_of(user):
            User.objects.filter(pk=user.pk).update(factorless_since=timezone.now())
            # They stand in for a factor. Without one, they would be one.
            RecoverySet.objects.filter(user=user).delete()
        user.bump_epoch()
        user.sessions.open().end(EndReason.EVERYWHERE)
        record_event(AccountEvent.METHOD_REMOVED, subject=user, by=by, **told)

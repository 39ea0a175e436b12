"""The password, and what a session becomes after it and after a code (SECURITY: sign-in, sessions, devices)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import django_otp
from django.conf import settings
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import session_of, store_of, user_of
from accounts.models import CodeDevice, Session, User
from accounts.models.sessions import EndReason
from accounts.models.users import fold_username
from accounts.services import remembering
from core import throttle
from core.clients import client_ip, network_key, user_agent
from core.events import record_event

BACKEND = "accounts.backends.UsernameBackend"
PASSWORDS = "account:password"
NETWORK = "account:network"


class Why(StrEnum):
    """Why a password was refused. None of them tells whether the username exists."""

    WRONG = "wrong"
    COOLING_OFF = "cooling_off"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal; `until` says when another try is judged again, None where it is at once."""

    why: Why
    until: datetime | None = None


def check_password(*, request: HttpRequest, username: str, password: str) -> User | Refused:
    """The user whose password this is, or why not.

    A try is counted before it is judged and taken back when it was right, so that tries at the same time can't slip
    past the limit of 5 in 15 minutes per username. The fifth wrong one starts the cooling-off; tries during it are
    recorded, not judged, not counted, and answered alike whether the password is right. A network address is refused
    after 10 failures in a minute; successes don't count, since a hospital is one address.
    """
    key = fold_username(username)
    known = User.objects.filter(username_key=key).first()
    network = network_key(client_ip(request))
    crowd = throttle.peek(NETWORK, network, settings.SIGN_IN_NETWORK_FAILURES, settings.SIGN_IN_NETWORK_WINDOW)
    if not crowd.allowed:
        record_event(AccountEvent.NETWORK_REFUSED, subject=known, request=request)
        return Refused(Why.NETWORK, crowd.retry_at)
    ticket = throttle.hit(PASSWORDS, key, settings.SIGN_IN_FAILURES, settings.SIGN_IN_WINDOW)
    if not ticket.allowed:
        record_event(AccountEvent.PASSWORD_REFUSED, subject=known, request=request)
        return Refused(Why.COOLING_OFF, ticket.retry_at)
    user = auth.authenticate(request, username=username, password=password)
    if isinstance(user, User):
        throttle.reset(PASSWORDS, key)
        return user
    throttle.hit(NETWORK, network, settings.SIGN_IN_NETWORK_FAILURES, settings.SIGN_IN_NETWORK_WINDOW)
    record_event(AccountEvent.PASSWORD_WRONG, subject=known, request=request, data={"failures": ticket.count})
    if ticket.count < settings.SIGN_IN_FAILURES:
        return Refused(Why.WRONG)
    until = timezone.now() + settings.SIGN_IN_COOL_OFF
    throttle.block(PASSWORDS, key, until)
    record_event(AccountEvent.PASSWORD_LOCKED, subject=known, request=request, data={"until": until.isoformat()})
    return Refused(Why.COOLING_OFF, throttle.blocked_until(PASSWORDS, key) or until)


def begin_session(request: HttpRequest, user: User) -> Session | None:
    """A new session after the right password, under a new key. It is whole only if this browser is remembered;
    otherwise it may set up or give a second factor and nothing else.

    None where the account was locked since the password was checked: the row lock keeps a lock from passing by.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if user.locks.filter(lifted_at=None).exists():
            return None
        return _new_session(request, user)


def _new_session(request: HttpRequest, user: User) -> Session:
    former = store_of(request).row
    if former is not None:
        former.end(EndReason.REPLACED)
    request.session.flush()
    auth.login(request, user, backend=BACKEND)
    request.session.save()
    session = session_of(request)
    session.authenticated_at = session.last_seen_at = timezone.now()
    session.ip, session.agent = client_ip(request), user_agent(request)
    session.trusted_device = remembering.recognise(request, user)
    session.save(update_fields=["authenticated_at", "last_seen_at", "ip", "agent", "trusted_device"])
    record_event(AccountEvent.PASSWORD_ACCEPTED, actor=user, subject=user, request=request)
    if session.trusted_device is not None:
        record_event(
            AccountEvent.DEVICE_USED,
            actor=user,
            subject=user,
            request=request,
            data={"device": session.trusted_device.public_id},
        )
        record_event(
            AccountEvent.SIGNED_IN, actor=user, subject=user, request=request, data={"by": "remembered device"}
        )
    return session


def complete(request: HttpRequest, device: CodeDevice) -> None:
    """A code was accepted: the session is verified by this device from now on, and under a new key."""
    session, user = session_of(request), user_of(request)
    first = session.verified_at is None and session.trusted_device_id is None
    django_otp.login(request, device)
    session.verified_at = session.last_seen_at = timezone.now()
    session.verified_by = device.persistent_id
    session.save(update_fields=["verified_at", "last_seen_at", "verified_by"])
    request.session.cycle_key()
    if first:
        record_event(
            AccountEvent.SIGNED_IN,
            actor=user,
            subject=user,
            request=request,
            data={"by": device.METHOD, "device": device.public_id},
        )


def sign_out(request: HttpRequest) -> None:
    """End the session on the server; its key opens nothing afterwards, wherever a copy of it is kept."""
    if request.user.is_authenticated:
        user = user_of(request)
        record_event(AccountEvent.SESSION_ENDED, actor=user, subject=user, request=request)
    auth.logout(request)


def seconds_until(moment: datetime) -> int:
    """Whole seconds until a moment, at least 1 (for Retry-After)."""
    return max(1, round((moment - timezone.now()).total_seconds()))

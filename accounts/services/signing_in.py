"""The password, and what a session becomes after it and after a code (docs/security.md#sign-in)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import django_otp
from django.conf import settings
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import session_of, store_of, user_of
from accounts.models import CodeDevice, Session, TrustedDevice, User
from accounts.models.sessions import EndReason
from accounts.models.users import fold_username
from accounts.services import remembering
from core import throttle
from core.clients import client_ip, network_key, user_agent, wide_network_key
from core.events import record_event
from core.refusals import record_refusal
from core.throttle import Closed, Counter

BACKEND = "accounts.backends.UsernameBackend"
PASSWORDS = "account:password"
PASSWORDS_ON_DEVICE = "account:password_on_device"
NETWORK = "account:network"
WIDE_NETWORK = "account:wide_network"
FORMS = "account:sign_in_forms"
# When a try found everything taken by others that were being judged: the page offers another one after this.
BUSY_FOR = timedelta(seconds=3)


class Why(StrEnum):
    """Why a password was refused. None of them tells whether the username exists."""

    WRONG = "wrong"
    COOLING_OFF = "cooling_off"
    NETWORK = "network"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal; `until` says when another try is judged again, None where it is at once."""

    why: Why
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Door:
    """Where the tries of one browser for one username count. `known`: whose username it is, for the log alone."""

    known: User | None
    counters: list[Counter]
    # Whose sign-in forms are counted, whatever becomes of them.
    sender: str


def check_password(*, request: HttpRequest, username: str, password: str) -> User | Refused:
    """The user whose password this is, or why not.

    Wrong passwords count per username, per network and per wider network; for a remembered device of that very user,
    in a counter of its own instead, so that strangers can't lock the owner out. A try takes a place at each counter
    before it is judged and leaves it when it was right: of any number at the same moment no more wrong ones are judged
    than the limits say, and right ones wait for a moment at most. The last wrong one starts the cooling-off; tries
    during it are not judged, and the right password gets the same answer (docs/decisions/0010-lockout-by-hand.md).
    """
    door = _door(request, fold_username(username))
    forms = throttle.hit(FORMS, door.sender, settings.SIGN_IN_NETWORK_FORMS, settings.SIGN_IN_NETWORK_WINDOW)
    if not forms.allowed:
        return _refuse(request, door, FORMS, door.sender, forms.retry_at)
    claims = throttle.claim_all(door.counters)
    if isinstance(claims, Closed):
        if claims.busy:
            return Refused(Why.BUSY, timezone.now() + BUSY_FOR)
        return _refuse(request, door, claims.counter.scope, claims.counter.key, claims.retry_at)
    with claims:
        user = auth.authenticate(request, username=username, password=password)
        if isinstance(user, User):
            throttle.reset(door.counters[0].scope, door.counters[0].key)
            return user
        failure = claims.failed()[0]
    record_event(AccountEvent.PASSWORD_WRONG, subject=door.known, request=request, data={"failures": failure.count})
    if failure.closed_until is None:
        return Refused(Why.WRONG)
    record_event(
        AccountEvent.PASSWORD_LOCKED,
        subject=door.known,
        request=request,
        data={"until": failure.closed_until.isoformat()},
    )
    return Refused(Why.COOLING_OFF, failure.closed_until)


def on_device(device: TrustedDevice) -> Counter:
    """Where wrong passwords count that a remembered device sends for its own user."""
    return Counter(
        PASSWORDS_ON_DEVICE,
        device.public_id,
        settings.SIGN_IN_FAILURES,
        settings.SIGN_IN_WINDOW,
        settings.SIGN_IN_COOL_OFF,
    )


def _door(request: HttpRequest, key: str) -> _Door:
    device = remembering.own_device(request, key)
    if device is not None:
        return _Door(device.user, [on_device(device)], device.public_id)
    ip = client_ip(request)
    counters = [
        Counter(PASSWORDS, key, settings.SIGN_IN_FAILURES, settings.SIGN_IN_WINDOW, settings.SIGN_IN_COOL_OFF),
        Counter(NETWORK, network_key(ip), settings.SIGN_IN_NETWORK_FAILURES, settings.SIGN_IN_NETWORK_WINDOW),
        Counter(
            WIDE_NETWORK, wide_network_key(ip), settings.SIGN_IN_WIDE_NETWORK_FAILURES, settings.SIGN_IN_NETWORK_WINDOW
        ),
    ]
    return _Door(User.objects.filter(username_key=key).first(), counters, network_key(ip))


def _refuse(request: HttpRequest, door: _Door, scope: str, key: str, until: datetime | None) -> Refused:
    """Turn a try away unjudged; only the first one of its kind is an event."""
    by_username = scope in {PASSWORDS, PASSWORDS_ON_DEVICE}
    record_refusal(
        AccountEvent.PASSWORD_REFUSED if by_username else AccountEvent.NETWORK_REFUSED,
        scope=scope,
        key=key,
        subject=door.known if by_username else None,
        request=request,
        data={"limit": scope.partition(":")[2]},
    )
    return Refused(Why.COOLING_OFF if by_username else Why.NETWORK, until)


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
    # All or nothing: a session that says it was verified and doesn't know its device is ended (accounts.middleware).
    with transaction.atomic():
        session.save(update_fields=["verified_at", "last_seen_at", "verified_by"])
        request.session.cycle_key()
        request.session.save()
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

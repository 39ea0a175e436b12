"""Checking the password, and completing a session after it and after a code (docs/security.md#sign-in)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
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
from accounts.services import familiar, looks, remembering
from core import throttle
from core.clients import client_ip, network_key, user_agent, wide_network_key
from core.events import record_event
from core.refusals import record_refusal
from core.throttle import Closed, Counter, Limit

BACKEND = "accounts.backends.UsernameBackend"
# What a visitor keeps through a sign-in, in the session: links opened before it. Hashes only, and nothing that opens
# anything by itself.
BROUGHT_ALONG = "brought_along"
# Wrong passwords: per name as typed, per account, per remembered device of its owner, per network, and wider network.
PASSWORDS = Limit(
    "account:password", settings.SIGN_IN_FAILURES, settings.SIGN_IN_WINDOW, cool_off=settings.SIGN_IN_COOL_OFF
)
# By whichever name, username or email. No answer tells about this one: that two names are of one account is a secret.
PASSWORDS_OF_ACCOUNT = replace(PASSWORDS, scope="account:password_of_account")
PASSWORDS_ON_DEVICE = replace(PASSWORDS, scope="account:password_on_device")
NETWORK = Limit("account:network", settings.SIGN_IN_NETWORK_FAILURES, settings.SIGN_IN_NETWORK_WINDOW)
WIDE_NETWORK = Limit("account:wide_network", settings.SIGN_IN_WIDE_NETWORK_FAILURES, settings.SIGN_IN_NETWORK_WINDOW)
# Sign-in forms of one browser or network, whatever the outcome.
FORMS = Limit("account:sign_in_forms", settings.SIGN_IN_NETWORK_FORMS, settings.SIGN_IN_NETWORK_WINDOW)
# If an attempt finds all places taken by others being judged, the page offers another one after this.
BUSY_FOR = dt.timedelta(seconds=3)


class Why(StrEnum):
    """Why a password was refused. None of these says whether the username exists."""

    WRONG = "wrong"
    COOLING_OFF = "cooling_off"
    NETWORK = "network"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal. `until` says when the next attempt will be judged, None if at once."""

    why: Why
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Door:
    """Where the attempts of one browser for one name count. `known`: the user, for the log only. `account`: the counter
    of the account behind the name, or of the name where there is none; None where the browser is the owner's own."""

    known: User | None
    counters: list[Counter]
    account: Counter | None
    # Sign-in forms are counted under this, whatever the outcome.
    sender: str


def check_password(*, request: HttpRequest, username: str, password: str) -> User | Refused:
    """Return the user with this username or confirmed email and this password, or the refusal.

    Wrong passwords count per name, per account, per network, and per wider network. A remembered device of that user
    has a counter of its own instead, so that strangers can't lock the owner out. An attempt holds a place at each
    counter while it's judged and frees it if it was right: of simultaneous attempts, no more wrong ones are judged than
    the limits allow, and right ones wait a moment at most. The last wrong one starts the cool-off. Attempts during it
    aren't judged, and the right password gets the same answer (docs/decisions/0010-lockout-by-hand.md).
    """
    door = _door(request, fold_username(username))
    forms = FORMS.hit(door.sender)
    if not forms.allowed:
        return _refuse(door, FORMS.of(door.sender), forms.retry_at)
    claims = throttle.claim_all(door.counters)
    if isinstance(claims, Closed):
        if claims.busy:
            return Refused(Why.BUSY, timezone.now() + BUSY_FOR)
        return _refuse(door, claims.counter, claims.retry_at)
    with claims:
        user, account_closed = _judge(request, door, username, password)
        if user is not None:
            door.counters[0].reset()
            return user
        failure = claims.failed()[0]
    record_event(AccountEvent.PASSWORD_WRONG, subject=door.known, failures=failure.count)
    if failure.closed_until or account_closed:
        until = failure.closed_until or account_closed
        record_event(AccountEvent.PASSWORD_LOCKED, subject=door.known, until=until.isoformat() if until else None)
    return Refused(Why.COOLING_OFF if failure.closed_until else Why.WRONG, failure.closed_until)


def _judge(request: HttpRequest, door: _Door, username: str, password: str) -> tuple[User | None, dt.datetime | None]:
    """Return the user if the password is right, and the end of the account's cool-off if this attempt began it.

    Where the account cools off by another of its names, the password isn't compared, and the answer is that of a wrong
    one: another answer would tell that both names are of one account (docs/decisions/0073-email-as-username.md). The
    place at the account's counter is taken last and freed first, so that nobody ever waits for it.
    """
    if door.account is None:
        return _authenticated(request, username, password), None
    with throttle.Claims() as place:
        at = door.account.claim()
        if isinstance(at, Closed):
            # Frees nothing. It's the statement that frees or fails any other attempt's place.
            door.account.leave(timezone.now())
            return _authenticated(request, username, password, judged=False), None
        place.add(door.account, at)
        user = _authenticated(request, username, password)
        if user is None:
            return None, place.failed()[0].closed_until
        door.account.reset()
    return user, None


def _authenticated(request: HttpRequest, username: str, password: str, *, judged: bool = True) -> User | None:
    found = auth.authenticate(request, username=username, password=password, judged=judged)
    return found if isinstance(found, User) else None


def cool_off_of(user: User) -> dt.datetime | None:
    """Return until when no password of this account is judged, but on its remembered devices; None if it is."""
    return PASSWORDS_OF_ACCOUNT.closed_until(str(user.pk))


def cooling_off_among(user_ids: Iterable[int]) -> set[int]:
    """Return whose password isn't judged for now. One query."""
    return {int(key) for key in PASSWORDS_OF_ACCOUNT.closed_among(map(str, user_ids))}


def forget_failures(user: User) -> None:
    """Forget wrong passwords for this account, by whatever name and on whatever device."""
    PASSWORDS_OF_ACCOUNT.reset(str(user.pk))
    for name in filter(None, (user.username_key, fold_username(user.email))):
        PASSWORDS.reset(name)
    for browser in user.trusted_devices.usable():
        PASSWORDS_ON_DEVICE.reset(browser.public_id)


def _door(request: HttpRequest, key: str) -> _Door:
    known = User.objects.meant_by(key)
    device = remembering.own_device(request=request, user_id=known.pk if known else 0)
    if device is not None:
        return _Door(known, [PASSWORDS_ON_DEVICE.of(device.public_id)], None, device.public_id)
    ip = client_ip(request)
    counters = [PASSWORDS.of(key), NETWORK.of(network_key(ip)), WIDE_NETWORK.of(wide_network_key(ip))]
    account = PASSWORDS_OF_ACCOUNT.of(str(known.pk) if known else f"name:{key}")
    return _Door(known, counters, account, network_key(ip))


def _refuse(door: _Door, counter: Counter, until: dt.datetime | None) -> Refused:
    """Refuse an attempt without judging it. Only the first refusal of its kind is an event."""
    by_username = counter.limit in {PASSWORDS, PASSWORDS_ON_DEVICE}
    record_refusal(
        AccountEvent.PASSWORD_REFUSED if by_username else AccountEvent.NETWORK_REFUSED,
        scope=counter.limit.scope,
        key=counter.key,
        subject=door.known if by_username else None,
        limit=counter.limit.scope.partition(":")[2],
    )
    return Refused(Why.COOLING_OFF if by_username else Why.NETWORK, until)


def begin_session(*, request: HttpRequest, user: User) -> Session | None:
    """Begin a session after the right password, under a new key. It's complete only if this browser is remembered;
    otherwise the user can only enter or set up a second factor.

    Return None if the account was locked after the password was checked: the row lock rules out a lock in between.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if user.locks.filter(lifted_at=None).exists():
            return None
        return _new_session(request, user)


def _new_session(request: HttpRequest, user: User) -> Session:
    former = store_of(request).row
    brought = request.session.get(BROUGHT_ALONG) if former is None or former.user_id in {None, user.pk} else None
    if former is not None:
        former.end(EndReason.REPLACED)
    request.session.flush()
    auth.login(request, user, backend=BACKEND)
    if brought:
        request.session[BROUGHT_ALONG] = brought
    request.session.save()
    session = session_of(request)
    session.authenticated_at = session.last_seen_at = timezone.now()
    session.ip, session.agent = client_ip(request), user_agent(request)
    session.trusted_device = remembering.recognize(request=request, user=user)
    session.save(update_fields=["authenticated_at", "last_seen_at", "ip", "agent", "trusted_device"])
    record_event(AccountEvent.PASSWORD_ACCEPTED, subject=user, by=user)
    if session.trusted_device is not None:
        record_event(
            AccountEvent.DEVICE_USED,
            subject=user,
            by=user,
            device=session.trusted_device.public_id,
        )
        record_event(AccountEvent.SIGNED_IN, subject=user, by=user, via="remembered device")
        familiar.note_sign_in(user=user, session=session)
    return session


def complete(*, request: HttpRequest, device: CodeDevice) -> None:
    """Mark the session as verified by this device, under a new key. Call it when a code was accepted."""
    session, user = session_of(request), user_of(request)
    first = session.verified_at is None and session.trusted_device_id is None
    django_otp.login(request, device)
    session.verified_at = session.last_seen_at = timezone.now()
    session.verified_by = device.persistent_id
    # All or nothing: accounts.middleware ends a session that says it was verified but doesn't know its device.
    with transaction.atomic():
        session.save(update_fields=["verified_at", "last_seen_at", "verified_by"])
        request.session.cycle_key()
        request.session.save()
    if first:
        record_event(
            AccountEvent.SIGNED_IN,
            subject=user,
            by=user,
            via=device.method_code,
            device=device.public_id,
        )
        familiar.note_sign_in(user=user, session=session)


def sign_out(*, request: HttpRequest) -> None:
    """End the session on the server. No copy of its key is accepted afterward."""
    if request.user.is_authenticated:
        user = user_of(request)
        record_event(AccountEvent.SESSION_ENDED, subject=user, by=user)
        row = store_of(request).row
        if row is not None and looks.HELD in request.session:
            looks.end_of_session(row)
    auth.logout(request)


def seconds_until(moment: dt.datetime) -> int:
    """Return whole seconds until a moment, at least 1, for Retry-After."""
    return max(1, round((moment - timezone.now()).total_seconds()))

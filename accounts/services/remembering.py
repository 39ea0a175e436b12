"""Browsers that skip the code at sign-in (S-10; docs/security.md#devices).

The cookie holds up to five tokens, so that colleagues who share a browser don't push each other out. A token alone
opens nothing: it lets one user skip the code after the right password.
"""

from __future__ import annotations

import datetime as dt
import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import TrustedDevice, User
from accounts.models.sessions import hash_token
from core.clients import client_ip, user_agent
from core.events import record_event

TOKENS = 5
# After its days, for how long a browser is still known as one that was remembered.
COOKIE_OUTLIVES = dt.timedelta(days=90)
SEPARATOR = "."

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/|FxiOS", "Firefox"),
    ("Chrome/|CriOS", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def describe_agent(agent: str) -> str:
    """Return the browser and system of a User-Agent in words, such as "Chrome on Windows"."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, agent)), "A browser")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, agent)), "")
    return f"{browser} on {system}" if system else browser


def _tokens(request: HttpRequest) -> list[str]:
    held = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    return [token for token in held.split(SEPARATOR) if token][:TOKENS]


def _others(request: HttpRequest, user: User) -> list[str]:
    """Return the tokens of this browser that don't belong to this user: colleagues' may still spare them the code."""
    tokens = _tokens(request)
    own = set(
        user.trusted_devices.filter(token_hash__in=[hash_token(token) for token in tokens]).values_list(
            "token_hash", flat=True
        )
    )
    return [token for token in tokens if hash_token(token) not in own]


def days() -> int:
    """Return for how many days a device is remembered: 30, 90, or any other number (S-10)."""
    return int(settings.REMEMBER_DEVICE.days)


def recognize(*, request: HttpRequest, user: User) -> TrustedDevice | None:
    """Return this user's remembered device of this browser, or None, and note its use."""
    hashes = [hash_token(token) for token in _tokens(request)]
    device = TrustedDevice.objects.usable().filter(user=user, token_hash__in=hashes).first()
    if device is not None:
        device.last_used_at = timezone.now()
        device.ip, device.agent = client_ip(request), user_agent(request)
        device.save(update_fields=["last_used_at", "ip", "agent"])
    return device


def own_device(*, request: HttpRequest, user_id: int) -> TrustedDevice | None:
    """Return the remembered device of this browser for a user, without noting its use. None for any other browser, and
    for a user who doesn't exist, by the same statement."""
    hashes = [hash_token(token) for token in _tokens(request)]
    if not hashes:
        return None
    owned = TrustedDevice.objects.usable().filter(user=user_id, token_hash__in=hashes)
    return owned.select_related("user").first()


def ask_about_phone(*, request: HttpRequest, user: User) -> bool:
    """Whether this browser was remembered for this user until its days ended, which is the time to ask whether the
    phone is still theirs. It's asked once: this notes that it was (S-10)."""
    hashes = [hash_token(token) for token in _tokens(request)]
    if not hashes:
        return False
    expired = user.trusted_devices.filter(
        token_hash__in=hashes, revoked_at=None, expires_at__lte=timezone.now(), epoch=user.security_epoch
    )
    return bool(expired.filter(asked_at=None).update(asked_at=timezone.now()))


def remember(*, request: HttpRequest, response: HttpResponse, user: User) -> TrustedDevice:
    """Remember this browser for this user for 30 days (a setting). Call it only after a real code.

    The cookie outlives the days, so that the browser is known when it's time to ask about the phone; the row alone says
    whether a token still spares the code. Tokens of this user that no longer do make room.
    """
    token = TrustedDevice.new_token()
    now = timezone.now()
    device = TrustedDevice.objects.create(
        user=user,
        token_hash=hash_token(token),
        label=describe_agent(user_agent(request)),
        ip=client_ip(request),
        agent=user_agent(request),
        created_at=now,
        last_used_at=now,
        expires_at=now + settings.REMEMBER_DEVICE,
        epoch=user.security_epoch,
    )
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        SEPARATOR.join([token, *_others(request, user)][:TOKENS]),
        max_age=settings.REMEMBER_DEVICE + COOKIE_OUTLIVES,
        secure=settings.DEVICE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    record_event(
        AccountEvent.DEVICE_REMEMBERED,
        subject=user,
        by=user,
        device=device.public_id,
        label=device.label,
    )
    return device

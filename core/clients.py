"""The client's address and browser, for the event log, throttles, and sessions."""

from __future__ import annotations

import datetime as dt
import ipaddress
import time

from django.conf import settings
from django.http import HttpRequest

from core.alerts import alert_staff

AGENT_LENGTH = 300
ALARM_EVERY = dt.timedelta(hours=1)
# On the clock of `time.monotonic`, for each process.
_quiet_until = [0.0]


def client_ip(request: HttpRequest) -> str | None:
    """Return the client's address: taken from X-Forwarded-For, `TRUSTED_PROXY_HOPS` entries from the right, because
    the client can write anything to the left of that (docs/security.md#sign-in). None over a socket."""
    hops = settings.TRUSTED_PROXY_HOPS
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    candidate = forwarded[-hops] if 0 < hops <= len(forwarded) else request.META.get("REMOTE_ADDR", "")
    address = _address(candidate)
    if address is None and settings.PRODUCTION:
        _alarm()
    return address


def _address(text: str) -> str | None:
    """Return the address in `203.0.113.9`, `203.0.113.9:51432`, `2001:db8::1`, `[2001:db8::1]:443`, or
    `fe80::1%eth0`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _alarm() -> None:
    """Tell staff, at most once an hour, that no address is known: network limits then count all clients together."""
    now = time.monotonic()
    if now >= _quiet_until[0]:
        _quiet_until[0] = now + ALARM_EVERY.total_seconds()
        alert_staff(
            "Client addresses can't be read",
            "Limits by network address count all clients together until the proxy in front sends X-Forwarded-For, and "
            "TRUSTED_PROXY_HOPS says how many proxies there are.",
        )


def network_key(ip: str | None) -> str:
    """Return the key of a throttle by address: an IPv4 address, or the /64 that one IPv6 customer holds."""
    if ip is None:
        return "unknown"
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def wide_network_key(ip: str | None) -> str:
    """Return the wider network around an address, which one attacker may hold: an IPv4 /16 or an IPv6 /48."""
    if ip is None:
        return "unknown"
    address = ipaddress.ip_address(ip)
    bits = 48 if isinstance(address, ipaddress.IPv6Address) else 16
    return str(ipaddress.ip_network((address, bits), strict=False))


def user_agent(request: HttpRequest) -> str:
    """Return the browser's User-Agent, cut to the length that a row stores."""
    return request.META.get("HTTP_USER_AGENT", "")[:AGENT_LENGTH]

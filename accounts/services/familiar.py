"""Telling the owner about a sign-in from a browser or network that the account has never used
(docs/security.md#sessions, docs/decisions/0080-unfamiliar-sign-ins.md)."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import emails
from accounts.events import AccountEvent
from accounts.models import AccountLink, FamiliarPlace, Purpose, Session, User
from accounts.services import links
from accounts.services.changes import Change
from accounts.services.remembering import describe_agent
from core.clients import wide_network_key
from core.crypto import keyed_hash
from core.events import record_event
from core.origin import acting_by_itself
from core.templatetags.show import moment
from core.throttle import Limit

NOTICES = Limit("account:unfamiliar_notices", settings.UNFAMILIAR_NOTICES_A_DAY, dt.timedelta(days=1))


def note_sign_in(*, user: User, session: Session) -> bool:
    """Remember the place of a finished sign-in. If it's new to an account that has others, and no remembered device
    vouches for the browser, mail the owner, with a link that locks the account. Return whether that was done.

    A place is a kind of browser on a system, and a wide network: a phone that moves through its provider's addresses
    stays at one place, and so does a browser that was updated.
    """
    now = timezone.now()
    is_first = not user.familiar_places.exists()
    place, is_new = FamiliarPlace.objects.get_or_create(
        user=user, fingerprint=fingerprint(user, session), defaults={"first_seen_at": now, "last_seen_at": now}
    )
    if not is_new:
        FamiliarPlace.objects.filter(pk=place.pk).update(last_seen_at=now)
        return False
    if is_first or session.trusted_device_id is not None or not user.email:
        return False
    if not NOTICES.hit(str(user.pk)).allowed:
        return False
    _tell(user, session, now)
    return True


def fingerprint(user: User, session: Session) -> str:
    """Return the keyed hash of account, kind of browser, and wide network."""
    return keyed_hash("place", f"{user.pk}:{describe_agent(session.agent)}:{wide_network_key(session.ip)}")


def _tell(user: User, session: Session, now: dt.datetime) -> None:
    with acting_by_itself(), transaction.atomic():
        link = links.issue(user=user, purpose=Purpose.LOCK, email=user.email, by=None, change=Change.SIGN_IN)
        emails.unfamiliar_sign_in(
            link, at=now, browser=describe_agent(session.agent), network=rough_network(session.ip)
        )
        record_event(AccountEvent.SIGNED_IN_UNFAMILIAR, subject=user)


def rough_network(ip: str | None) -> str:
    """Return a network as a mail names it: enough to tell one's office from a stranger's, and no address."""
    if ip is None:
        return ""
    address = ipaddress.ip_address(ip)
    bits = 48 if isinstance(address, ipaddress.IPv6Address) else 24
    return str(ipaddress.ip_network((address, bits), strict=False))


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the mail says, with the link drawn and the time in the owner's zone. The hook
    `mail.unfamiliar_sign_in`."""
    drawn = links.mail_context(stored)
    if drawn is None:
        return None
    user = AccountLink.objects.select_related("user").get(public_id=stored["link"]).user
    try:
        zone = ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(settings.TIME_ZONE)
    with timezone.override(zone):
        when = moment(dt.datetime.fromisoformat(stored["at"]))
    return drawn | {
        "when": when,
        "browser": stored["browser"],
        "network": stored["network"],
        "days": drawn["hours"] // 24,
    }

"""Opening a packet: what a facility may have is judged again at each step, under the packet's lock, and recorded.

Ending a packet takes the same lock, and revoking an authorization refers to its locked row: what is recorded as opened
came before, and nothing is given out after.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import AccountLock
from core import easy_codes, throttle
from core.clients import client_ip
from core.events import record_event
from credentialing.events import PacketEvent
from credentialing.models import Authorization, ClaimsPaper, Packet, PacketItem, PacketOpening
from credentialing.models.authorizations import covers_window
from credentialing.packets import limits
from policies.models import Coverage
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest

SESSION_KEY = "packet"
# How long the password opens a packet in one browser.
OPEN_FOR = dt.timedelta(minutes=30)
What = PacketOpening.What


@dataclass(frozen=True)
class Offered:
    """One paper on the facility's page. `is_open`: it may be given out now; `is_ready`: its file is made."""

    item: PacketItem
    is_open: bool
    is_ready: bool


def unlock(request: HttpRequest, *, token_hash: str, password: str) -> Packet | None:
    """Return the packet that link and password open, recorded, and remember it in the session; None where they open
    none, for whatever reason: that answer takes the same time and says the same.

    Raises `limits.TooManyTriesError`.
    """
    counters = limits.counters_of(request, token_hash)
    claims = throttle.claim_all(counters)
    if isinstance(claims, throttle.Closed):
        limits.record_limited(claims.counter.limit, claims.counter.key)
        raise limits.TooManyTriesError(claims.retry_at)
    with claims:
        found = Packet.objects.filter(token_hash=token_hash).first()
        stored = found.password_hash if found is not None and found.password_hash else _nobodys()
        is_right = check_password(easy_codes.normalize(password), stored)
        if found is None or not is_right:
            claims.failed()
            if found is not None and not found.is_over:
                _record(found, What.WRONG, request)
            return None
        with transaction.atomic():
            packet = _locked(found.pk)
            if packet is None or packet.token_hash != token_hash:
                claims.failed()
                return None
            _record(packet, What.OPENED, request)
    until = timezone.now() + OPEN_FOR
    request.session[SESSION_KEY] = [packet.public_id, packet.generation, until.isoformat()]
    return packet


def opened_in(request: HttpRequest) -> Packet | None:
    """Return the packet that this browser has open, if it still opens anything."""
    kept = request.session.get(SESSION_KEY)
    if not isinstance(kept, list) or len(kept) != 3:
        return None
    public_id, generation, until = kept
    ends = parse_datetime(until)
    if ends is None or ends <= timezone.now():
        return None
    found = Packet.objects.filter(public_id=public_id, generation=generation).values_list("pk", flat=True).first()
    if found is None:
        return None
    packet = Packet.objects.select_related("insured", "holder", "built_by", "coverage").get(pk=found)
    return packet if opens(packet) else None


def close(request: HttpRequest) -> None:
    """Forget the packet in this browser."""
    request.session.pop(SESSION_KEY, None)


def opens(packet: Packet) -> bool:
    """Whether the packet opens anything now: not over, and who built it still has the right by that membership."""
    if packet.is_over:
        return False
    if AccountLock.objects.filter(user=packet.built_by_id, lifted_at=None).exists():
        return False
    reach = reach_with(packet.built_by, Capability.CREATE_PACKET, asks_policy=True)
    if all(each.pk != packet.membership_id for each in reach.memberships):
        return False
    return Coverage.objects.open_to(reach.scope).filter(pk=packet.coverage_id).exists()


def offered(packet: Packet) -> list[Offered]:
    """Return the papers of an opened packet; a claims history and a release are open while the authorization holds."""
    items = list(_items(packet))
    in_effect = set(
        Authorization.objects.in_effect()
        .filter(pk__in=[item.authorization_id for item in items if item.authorization_id])
        .values_list("pk", flat=True)
    )
    return [Offered(item, is_open=_may_be_given(item, in_effect), is_ready=item.stored is not None) for item in items]


def fetch(request: HttpRequest, packet: Packet, public_id: str) -> PacketItem | None:
    """Return the paper that may be given out now, its download recorded; None where it may not."""
    with transaction.atomic():
        found = _locked(packet.pk, generation=packet.generation)
        item = _items(packet).filter(public_id=public_id).first() if found else None
        if found is None or item is None or item.stored is None:
            return None
        if not _may_be_given(item, _locked_in_effect([item])):
            return None
        if request.method == "GET":
            _record(found, What.FETCHED, request, item=item)
    return item


def fetch_all(request: HttpRequest, packet: Packet) -> list[PacketItem]:
    """Return all papers that may be given out now, recorded as one download. Empty where the packet opens nothing, or
    one of their files isn't made yet."""
    with transaction.atomic():
        found = _locked(packet.pk, generation=packet.generation)
        items = list(_items(packet)) if found else []
        in_effect = _locked_in_effect(items)
        given = [item for item in items if _may_be_given(item, in_effect)]
        if found is None or any(item.stored is None for item in given):
            return []
        if request.method == "GET":
            _record(found, What.ALL, request, items=[item.title for item in given])
    return given


def _items(packet: Packet) -> models.QuerySet[PacketItem]:
    rows = PacketItem.objects.filter(packet=packet)
    return rows.select_related(
        "packet__insured", "certificate__coverage__insured", "claims_paper__company", "authorization"
    )


def _may_be_given(item: PacketItem, in_effect: set[int]) -> bool:
    """Whether a paper may be given out. `in_effect`: ids of the authorizations that hold.

    A release that was revoked, or has expired, would say that the insured still agrees.
    """
    if item.kind == PacketItem.Kind.RELEASE:
        return item.authorization_id in in_effect
    if item.kind != PacketItem.Kind.HISTORY or item.claims_paper is None:
        return True
    if item.authorization is not None:
        held = item.authorization_id in in_effect
        return held and covers_window(item.authorization.years, item.claims_paper.years)
    return _is_covered_by_rule(item.claims_paper)


def _is_covered_by_rule(paper: ClaimsPaper) -> bool:
    return paper.company.external_id in settings.CLAIMS_HISTORY_WITHOUT_AUTHORIZATION


def _locked_in_effect(items: list[PacketItem]) -> set[int]:
    """Return the ids of the authorizations of these papers that hold, locked against being revoked meanwhile: a
    revocation refers to the row, and so waits."""
    needed = [item.authorization_id for item in items if item.authorization_id]
    locked = Authorization.objects.filter(pk__in=needed).order_by("pk").select_for_update().values_list("pk", flat=True)
    return set(Authorization.objects.in_effect().filter(pk__in=list(locked)).values_list("pk", flat=True))


def _locked(pk: int, *, generation: int | None = None) -> Packet | None:
    """Return the packet, locked, if it opens anything; None for another generation's."""
    of_link = Q() if generation is None else Q(generation=generation)
    found = Packet.objects.select_for_update(of=("self",)).select_related("built_by").filter(of_link, pk=pk).first()
    return found if found is not None and opens(found) else None


def _record(
    packet: Packet, what: str, request: HttpRequest, *, item: PacketItem | None = None, items: list[str] | None = None
) -> None:
    """Store a line for those who see the packet, and the event for good."""
    PacketOpening.objects.create(
        packet=packet,
        what=what,
        item=item,
        items=items or [],
        ip=client_ip(request),
        generation=packet.generation,
    )
    tags = {What.OPENED: PacketEvent.OPENED, What.WRONG: PacketEvent.WRONG_PASSWORD}
    record_event(
        tags.get(What(what), PacketEvent.FETCHED),
        subject=packet,
        on_behalf_of=packet.built_by,
        insured=packet.insured_id,
        item=item.public_id if item else "",
        items=len(items) if items else 0,
    )


@cache
def _nobodys() -> str:
    """Return the hash of a password that opens nothing, so that an unknown link takes as long as a known one."""
    return make_password(easy_codes.draw(40))

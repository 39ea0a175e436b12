"""Building a packet, its link and password, and ending it (B-04)."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from core import easy_codes, work
from core.crypto import keyed_hash
from core.events import record_event
from core.idempotency import create_once
from credentialing import emails
from credentialing.certificates import issuing
from credentialing.claims_history.issuing import issue_histories
from credentialing.events import PacketEvent
from credentialing.models import Packet, PacketItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import User
    from credentialing.claims_history.access import Subject
    from credentialing.models import Authorization, Certificate, Holder
    from policies.eligibility import Part
    from policies.models import Coverage, Membership

Kind = PacketItem.Kind
# 60 random bits, in groups that can be told by phone.
PASSWORD_SYMBOLS = 12


class NotBuildableError(Exception):
    """A packet can't have what was asked for; the message is the sentence for the user."""


class PacketOverError(Exception):
    """The packet was revoked or has expired."""


@dataclass(frozen=True)
class Wanted:
    """What goes into a packet.

    `certificate`: one that was issued before; without it, and with `parts`, a new one is issued to the facility.
    `subjects`: whose claims history (one for each company), for `years` (None: all) and a `purpose`; `authorization`:
    what it rests on, and the release where `with_release` says so. `timeline`: the snapshot of one, or None.
    """

    coverage: Coverage
    holder: Holder
    parts: Sequence[Part] = ()
    certificate: Certificate | None = None
    subjects: Sequence[Subject] = ()
    years: int | None = None
    purpose: str = ""
    authorization: Authorization | None = None
    with_release: bool = False
    timeline: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Secrets:
    """Link and password, to be told once. Empty: it was mailed."""

    link: str = ""
    password: str = ""


@dataclass(frozen=True)
class Delivery:
    """Where link and password go; empty: to who asked for them, on the page."""

    link_to: str = ""
    password_to: str = ""


def hash_of(token: str) -> str:
    """Return what is kept of a link's token."""
    return keyed_hash("packet:token", token)


def new_token() -> str:
    """Return 128 random bits for a link's address."""
    return secrets.token_urlsafe(16)


def build(
    wanted: Wanted,
    *,
    expires_at: dt.datetime,
    delivery: Delivery,
    by: User,
    membership: Membership,
    key: uuid.UUID,
) -> tuple[Packet, Secrets]:
    """Issue what has to be issued, store the packet, and return it with its link and password.

    The same form again gives the same packet with a new link, since the first answer never arrived: all of it, or, once
    it was opened, nothing. Raises `NotBuildableError`, and then issues nothing.
    """
    with transaction.atomic():
        packet, is_new = create_once(
            Packet.objects.filter(built_by=by),
            key=key,
            create=lambda: _create(wanted, expires_at=expires_at, by=by, membership=membership, key=key),
        )
        packet.was_there = not is_new
        if not is_new and (packet.is_over or packet.openings.exists()):
            return packet, Secrets()
        found = _new_link(packet, delivery=delivery, by=by)
    return packet, found


def new_link(packet: Packet, *, delivery: Delivery, by: User) -> Secrets:
    """Draw another link and password; the former ones stop at once, and close for anyone who has it open. Raises
    `PacketOverError`."""
    with transaction.atomic():
        return _new_link(packet, delivery=delivery, by=by)


def revoke(packet: Packet, *, by: User) -> bool:
    """End a packet at once; False where it was over before."""
    with transaction.atomic():
        found = Packet.objects.select_for_update().get(pk=packet.pk)
        if found.is_over:
            return False
        Packet.objects.filter(pk=packet.pk).update(revoked_at=timezone.now(), revoked_by=by)
        record_event(PacketEvent.REVOKED, subject=packet, by=by, on_behalf_of=packet.built_by)
    packet.refresh_from_db(fields=["revoked_at", "revoked_by"])
    return True


def complete_link(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the token of a link that is about to be mailed; None for a packet that is over, or got another link since.
    The hook `mail.packet_link`."""
    with transaction.atomic():
        packet = _about_to_be_mailed(stored)
        if packet is None:
            return None
        address = _draw_token(packet)
    return {"address": address, "until": packet.expires_at}


def complete_password(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the password that is about to be mailed; None as for a link. The hook `mail.packet_password`."""
    with transaction.atomic():
        packet = _about_to_be_mailed(stored)
        if packet is None:
            return None
        return {"password": _draw_password(packet)}


def _about_to_be_mailed(stored: Mapping[str, Any]) -> Packet | None:
    packet: Packet = Packet.objects.select_for_update().get(public_id=stored["packet"])
    return None if packet.is_over or packet.generation != stored["generation"] else packet


def _new_link(packet: Packet, *, delivery: Delivery, by: User) -> Secrets:
    found = Packet.objects.select_for_update().get(pk=packet.pk)
    if found.is_over:
        raise PacketOverError
    found.generation += 1
    found.token_hash = found.password_hash = ""
    found.link_to, found.password_to = delivery.link_to, delivery.password_to
    found.save(update_fields=["generation", "token_hash", "password_hash", "link_to", "password_to"])
    link = "" if delivery.link_to else _draw_token(found)
    password = "" if delivery.password_to else _draw_password(found)
    emails.packet_secrets(found)
    record_event(
        PacketEvent.LINK_MADE,
        subject=found,
        by=by,
        generation=found.generation,
        link="mailed" if delivery.link_to else "shown",
        password="mailed" if delivery.password_to else "shown",
    )
    packet.generation, packet.link_to, packet.password_to = found.generation, found.link_to, found.password_to
    return Secrets(link, password)


def _draw_token(packet: Packet) -> str:
    """Draw 128 random bits, keep their hash, and return the address."""
    token = new_token()
    Packet.objects.filter(pk=packet.pk).update(token_hash=hash_of(token))
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('packet:link', args=[token])}"


def _draw_password(packet: Packet) -> str:
    """Draw a password, keep its hash, and return it as it's read aloud."""
    password = easy_codes.draw(PASSWORD_SYMBOLS)
    Packet.objects.filter(pk=packet.pk).update(password_hash=make_password(password))
    return easy_codes.in_groups(password)


def _create(wanted: Wanted, *, expires_at: dt.datetime, by: User, membership: Membership, key: uuid.UUID) -> Packet:
    packet = Packet.objects.create(
        insured=wanted.coverage.insured,
        coverage=wanted.coverage,
        holder=wanted.holder,
        built_by=by,
        membership=membership,
        expires_at=expires_at,
        idempotency_key=key,
    )
    items = _items(packet, wanted, by=by, membership=membership, key=key)
    for position, item in enumerate(items, start=1):
        item.position = position
    PacketItem.objects.bulk_create(items)
    record_event(
        PacketEvent.BUILT,
        subject=packet,
        by=by,
        membership=membership.pk,
        insured=packet.insured_id,
        items=[item.kind for item in items],
        authorization=wanted.authorization.public_id if wanted.authorization else "",
    )
    if membership.insured_id != packet.insured_id:
        emails.packet_built(packet)
    work.hand_over(packet)
    return packet


def _items(packet: Packet, wanted: Wanted, *, by: User, membership: Membership, key: uuid.UUID) -> list[PacketItem]:
    items = []
    certificate = wanted.certificate
    if certificate is None and wanted.parts:
        try:
            certificate = issuing.issue(
                parts=wanted.parts,
                holder=wanted.holder,
                by=by,
                membership=membership,
                key=uuid.uuid5(key, "certificate"),
            )
        except issuing.NotIssuableError as refusal:
            raise NotBuildableError(str(refusal)) from refusal
    if certificate is not None:
        items.append(PacketItem(packet=packet, kind=Kind.CERTIFICATE, certificate=certificate))
    items += _histories(packet, wanted, by=by, key=key)
    if wanted.with_release and wanted.authorization is not None:
        items.append(PacketItem(packet=packet, kind=Kind.RELEASE, authorization=wanted.authorization))
    if wanted.timeline is not None:
        items.append(PacketItem(packet=packet, kind=Kind.TIMELINE, snapshot=dict(wanted.timeline)))
    return items


def _histories(packet: Packet, wanted: Wanted, *, by: User, key: uuid.UUID) -> list[PacketItem]:
    if not wanted.subjects:
        return []
    done = issue_histories(
        subjects=wanted.subjects,
        years=wanted.years,
        purpose=wanted.purpose,
        holder=wanted.holder,
        by=by,
        key=uuid.uuid5(key, "history"),
    )
    if done.refused:
        raise NotBuildableError(done.refused[0][1])
    if done.requests:
        raise NotBuildableError(
            f"{done.requests[0].reason} Ask for the claims history on the page Claims history, or leave it out."
        )
    return [
        PacketItem(packet=packet, kind=Kind.HISTORY, claims_paper=paper, authorization=wanted.authorization)
        for paper in done.papers
    ]

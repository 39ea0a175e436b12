"""Opening a part by link and code, without an account (docs/security.md#renewal-parts).

The link comes by email, the code by text or call to the phone on file; where none is on file, the code comes by email,
too, and the page says so. A GET changes nothing. The link is spent with the right code, which opens the part in this
browser for an hour.
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import phonenumbers
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.messaging import MaybeSentError, NotSentError, gateway
from accounts.models import Channel as PhoneChannel
from accounts.models.challenges import Delivery
from accounts.services.codes import NETWORK, NUMBER, ceiling
from accounts.spoken import spoken_code
from core import throttle
from core.clients import client_ip, network_key, wide_network_key
from core.crypto import keyed_hash
from core.events import record_event
from core.queue import enqueue
from core.refusals import record_refusal
from core.throttle import Counter, Limit
from policies import emails
from policies.models import RenewalCode, RenewalPart, RenewalSignature
from policies.renewals import asking
from policies.renewals.events import RenewalEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

HELD, OPENED = "renewal_link", "renewal_part"
CHANNEL = RenewalCode.Channel
QUARTER = dt.timedelta(minutes=15)
HOUR = dt.timedelta(hours=1)
RESEND_AFTER = dt.timedelta(seconds=60)
TRIES_OF_A_CODE = 5
# Wrong codes: of one part, of one network, and of everyone together; and the codes that a part gets.
WRONG = Limit("renewal-part:wrong", 5, QUARTER, cool_off=QUARTER)
WRONG_OF_NETWORK = Limit("renewal-part:network", 20, HOUR)
WRONG_OF_WIDE_NETWORK = Limit("renewal-part:wide-network", 200, HOUR)
CODES = Limit("renewal-part:codes", 5, QUARTER)
TASK = "policies.tasks.send_renewal_code"


class TooManyTriesError(Exception):
    """No more tries now; `retry_at` says from when on."""

    def __init__(self, retry_at: dt.datetime | None) -> None:
        super().__init__("too many tries")
        self.retry_at = retry_at


class CodeNotNowError(Exception):
    """Why no code is sent now, as a sentence."""


@dataclass(frozen=True)
class Opened:
    """A part that this browser has open: how it was opened, and when the code was given."""

    part: RenewalPart
    way: str
    code_at: dt.datetime


def hold(request: HttpRequest, token: str) -> None:
    """Move the token from the address into the session, as its hash; of a guess nothing is kept."""
    token_hash = asking.hash_of(token)
    if RenewalPart.objects.filter(token_hash=token_hash).exists():
        request.session[HELD] = token_hash


def held(request: HttpRequest) -> RenewalPart | None:
    """Return the part whose link this browser has opened, whether or not the link still works."""
    token_hash = request.session.get(HELD)
    return _parts().filter(token_hash=token_hash).first() if token_hash else None


def e164(phone: str) -> str:
    """Return a US number as "+12025550123"; empty where it isn't one that can be called."""
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number) or number.extension:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def channels_of(part: RenewalPart) -> list[str]:
    """Return the ways by which a code can come; by email only where there is no phone."""
    return [CHANNEL.TEXT, CHANNEL.CALL] if e164(part.phone) else [CHANNEL.EMAIL]


def latest_code(part: RenewalPart) -> RenewalCode | None:
    """Return the code of the present link that was requested last."""
    return RenewalCode.objects.filter(part=part, mailing=part.mailings).first()


def request_code(request: HttpRequest, part: RenewalPart, *, channel: str) -> RenewalCode:
    """Store a code to be drawn and sent by a worker; a former one stops working. Raises `CodeNotNowError`."""
    if channel not in channels_of(part):
        raise CodeNotNowError("Choose one of the ways on this page.")
    with transaction.atomic():
        locked = RenewalPart.objects.select_for_update(of=("self",)).get(pk=part.pk)
        if not locked.link_works or locked.token_hash != part.token_hash:
            raise CodeNotNowError("This link doesn’t work anymore. Get a new one.")
        now = timezone.now()
        latest = latest_code(locked)
        if latest and not latest.is_in_trouble and latest.created_at > now - RESEND_AFTER and latest.used_at is None:
            raise CodeNotNowError("We’ve just sent a code. You can request another one after a minute.")
        _count(request, part, channel)
        part.codes.filter(used_at=None, voided_at=None).update(voided_at=now)
        code = RenewalCode.objects.create(
            part=part, mailing=part.mailings, channel=channel, expires_at=now + settings.RENEWAL_CODE_LIFE
        )
        record_event(
            RenewalEvent.PART_CODE, subject=part.application, part=part.public_id, code=code.public_id, channel=channel
        )
        if channel == CHANNEL.EMAIL:
            emails.renewal_code(code)
            RenewalCode.objects.filter(pk=code.pk).update(delivery=Delivery.SENT)
        else:
            transaction.on_commit(lambda: _hand_over(code.pk))
    return code


def _count(request: HttpRequest, part: RenewalPart, channel: str) -> None:
    """Count a code where the portal's other codes are counted, too. Raises `CodeNotNowError`, and then counts
    nothing."""
    counters: list[Counter] = [CODES.of(str(part.pk)), NETWORK.of(network_key(client_ip(request)))]
    if channel != CHANNEL.EMAIL:
        kind = PhoneChannel.VOICE if channel == CHANNEL.CALL else PhoneChannel.TEXT
        counters += [NUMBER.of(keyed_hash("phone", e164(part.phone))), ceiling(kind)]
    counted: list[Counter] = []
    for counter in counters:
        if not counter.limit.hit(counter.key).allowed:
            for each in counted:
                each.limit.give_back(each.key)
            record_refusal(RenewalEvent.LIMITED, scope=counter.limit.scope, key=counter.key, limit=counter.limit.scope)
            raise CodeNotNowError("Too many codes were requested. Try again in 15 minutes, or call us.")
        counted.append(counter)


def _hand_over(code_id: int) -> None:
    if not enqueue(TASK, code_id):
        RenewalCode.objects.filter(pk=code_id, delivery=Delivery.QUEUED).update(delivery=Delivery.FAILED, error="queue")


def send_code(code_id: int) -> None:
    """Draw a code and send it by text or call, at most once and never after it expires. Runs in a worker; run again
    while it was being sent, it can't know, and says so."""
    with transaction.atomic():
        rows = RenewalCode.objects.select_for_update(of=("self",)).select_related("part__insured", "part__application")
        code = rows.get(pk=code_id)
        if code.delivery == Delivery.SENDING:
            _settle(code, Delivery.UNKNOWN, "unknown")
            return
        if code.delivery != Delivery.QUEUED:
            return
        if not code.is_usable:
            _settle(code, Delivery.EXPIRED, "expired")
            return
        digits = code.draw()
        code.delivery = Delivery.SENDING
        code.save(update_fields=["code_hash", "delivery"])
    try:
        _deliver(code, digits)
    except NotSentError as error:
        _settle(code, Delivery.FAILED, error.reason)
    except MaybeSentError:
        _settle(code, Delivery.UNKNOWN, "no-answer")
    else:
        RenewalCode.objects.filter(pk=code.pk, delivery=Delivery.SENDING).update(delivery=Delivery.SENT)


def _deliver(code: RenewalCode, digits: str) -> None:
    number = e164(code.part.phone)
    brand, minutes = settings.BRAND["name"], int(settings.RENEWAL_CODE_LIFE.total_seconds() // 60)
    if code.channel == CHANNEL.CALL:
        words = replace(
            spoken_code(digits, language="en"),
            before=f"Hello. This is {brand}. Your code for the renewal application is:",
            after=f"It expires in {minutes} minutes. We will never ask for it by phone, text, or email. Goodbye.",
        )
        gateway().place_call(number, "", words, code.public_id)
        return
    body = (
        f"{brand}: your code for the renewal application is {digits}. It expires in {minutes} minutes. "
        "We will never ask for it by phone, text, or email."
    )
    gateway().send_text(number, body, code.public_id)


def _settle(code: RenewalCode, delivery: str, reason: str) -> None:
    RenewalCode.objects.filter(pk=code.pk).update(delivery=delivery, error=reason[:40])
    record_event(
        RenewalEvent.PART_NOT_SENT,
        subject=code.part.application,
        part=code.part.public_id,
        code=code.public_id,
        reason=reason,
    )


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the code that is about to be mailed; None for one that can't be used anymore. The hook
    `mail.renewal_code`."""
    with transaction.atomic():
        code = RenewalCode.objects.select_for_update().filter(public_id=stored["code"]).first()
        if code is None or not code.is_usable:
            return None
        digits = code.draw()
        code.save(update_fields=["code_hash"])
    return {"code": digits, "minutes": int(settings.RENEWAL_CODE_LIFE.total_seconds() // 60)}


def verify(request: HttpRequest, part: RenewalPart, *, typed: str) -> bool:
    """Judge a code. The right one spends the link, and opens the part in this browser. Raises `TooManyTriesError`."""
    ip = client_ip(request)
    counters = (
        WRONG.of(str(part.pk)),
        WRONG_OF_NETWORK.of(network_key(ip)),
        WRONG_OF_WIDE_NETWORK.of(wide_network_key(ip)),
    )
    claims = throttle.claim_all(counters)
    if isinstance(claims, throttle.Closed):
        limit = claims.counter.limit
        record_refusal(RenewalEvent.LIMITED, scope=limit.scope, key=claims.counter.key, limit=limit.scope)
        raise TooManyTriesError(claims.retry_at)
    with claims:
        with transaction.atomic():
            locked = RenewalPart.objects.select_for_update(of=("self",)).get(pk=part.pk)
            code = RenewalCode.objects.select_for_update().filter(part=locked, mailing=locked.mailings).first()
            works = locked.link_works and locked.token_hash == part.token_hash
            is_right = works and code is not None and _accepts(code, typed)
            if is_right and code is not None:
                _spend(locked, code)
            elif code is not None and code.is_usable:
                code.wrong_tries += 1
                code.voided_at = timezone.now() if code.wrong_tries >= TRIES_OF_A_CODE else None
                code.save(update_fields=["wrong_tries", "voided_at"])
        if not is_right or code is None:
            claims.failed()
            record_event(RenewalEvent.PART_WRONG_CODE, subject=part.application, part=part.public_id)
            return False
    now = timezone.now()
    request.session.pop(HELD, None)
    until = now + settings.RENEWAL_PART_OPEN_FOR
    request.session[OPENED] = [part.public_id, part.mailings, code.channel, now.isoformat(), until.isoformat()]
    return True


def _accepts(code: RenewalCode, typed: str) -> bool:
    digits = "".join(character for character in typed if character.isdigit())
    return code.is_usable and bool(code.code_hash) and hmac.compare_digest(code.code_hash, code.hash_of(digits))


def _spend(part: RenewalPart, code: RenewalCode) -> None:
    code.used_at = part.token_used_at = timezone.now()
    code.save(update_fields=["used_at"])
    part.save(update_fields=["token_used_at"])
    record_event(
        RenewalEvent.PART_OPENED,
        subject=part.application,
        part=part.public_id,
        insured=part.insured_id,
        way=code.channel,
    )


def opened(request: HttpRequest) -> Opened | None:
    """Return the part that this browser has open: until an hour after the code, a new link, or its withdrawal."""
    kept = request.session.get(OPENED)
    if not isinstance(kept, list) or len(kept) != 5:
        return None
    public_id, mailing, channel, code_at, until = kept
    ends, since = parse_datetime(str(until)), parse_datetime(str(code_at))
    if ends is None or since is None or ends <= timezone.now():
        return None
    part = _parts().filter(public_id=public_id, mailings=mailing).first()
    if part is None or (part.token_withdrawn_at is not None and part.signed_at is None):
        return None
    return Opened(part, WAYS[channel], since)


WAYS = {
    CHANNEL.TEXT: RenewalSignature.Way.TEXT,
    CHANNEL.CALL: RenewalSignature.Way.CALL,
    CHANNEL.EMAIL: RenewalSignature.Way.EMAIL,
}


def close(request: HttpRequest) -> None:
    """Forget link and part in this browser."""
    request.session.pop(HELD, None)
    request.session.pop(OPENED, None)


def send_again(part: RenewalPart) -> None:
    """Mail a new link to the same address, as the clinician wishes. Raises `asking.NotAskedError`."""
    if part.token_withdrawn_at is not None and part.signed_at is None:
        raise asking.NotAskedError("This link was withdrawn. Ask the person who manages the policy for a new one.")
    asking.ask(part, by=None)


def _parts() -> Any:
    return RenewalPart.objects.select_related(
        "insured", "application__term", "application__policy__policyholder", "application__policy__company"
    )

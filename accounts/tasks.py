"""Background work of accounts."""

from __future__ import annotations

import datetime as dt

import structlog
from celery import shared_task
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.messaging import MaybeSentError, NotSentError, code_message, gateway
from accounts.models import (
    AuthenticatorDevice,
    Challenge,
    DetailChange,
    FamiliarPlace,
    Passkey,
    PasskeyChallenge,
    PasswordReset,
    PhoneDevice,
    Session,
    User,
    UsernameReminder,
)
from accounts.models.challenges import Delivery
from accounts.models.sessions import EndReason
from accounts.services import factor_resets, looks, registering, resets, reviews, usernames
from accounts.spoken import spoken_code
from core.events import record_event
from core.queue import enqueue

log = structlog.get_logger(__name__)

# After this long in 'sending', a message has lost its worker: the gateway answers or fails within seconds.
SENDING_AT_MOST = dt.timedelta(seconds=60)
# After this long in 'queued', a challenge wasn't enqueued or its queue is far behind. A second task does no harm.
ENQUEUE_AGAIN_AFTER = dt.timedelta(seconds=15)
RECOVERY_REQUESTS_KEPT = dt.timedelta(days=7)
SESSIONS_KEPT = dt.timedelta(days=90)


@shared_task
def send_code(challenge_id: int) -> None:
    """Make a challenge's code and send it through the gateway, at most once and never after it expires
    (docs/security.md#sending).

    A repeated task that finds 'sending' can't know whether the message was sent. It says so on the row, and the page
    offers another code.
    """
    with transaction.atomic():
        challenge = Challenge.objects.select_for_update(of=("self",)).select_related("device").get(pk=challenge_id)
        if challenge.delivery == Delivery.SENDING:
            challenge.delivery = Delivery.UNKNOWN
            challenge.save(update_fields=["delivery"])
            _record_not_sent(challenge, "unknown")
            return
        if challenge.delivery != Delivery.QUEUED:
            return
        if not challenge.is_usable():
            challenge.delivery = Delivery.EXPIRED
            challenge.save(update_fields=["delivery"])
            return
        code = challenge.make_code()
        challenge.delivery, challenge.sending_at = Delivery.SENDING, timezone.now()
        challenge.save(update_fields=["code_hash", "delivery", "sending_at"])
    try:
        provider_id = _hand_over(challenge, code)
    except NotSentError as error:
        _settle(challenge, Delivery.FAILED, error=error.reason)
    except MaybeSentError:
        _settle(challenge, Delivery.UNKNOWN, error="no-answer")
    else:
        Challenge.objects.filter(pk=challenge.pk).update(provider_id=provider_id)
        Challenge.objects.filter(pk=challenge.pk, delivery=Delivery.SENDING).update(delivery=Delivery.SENT)


def _hand_over(challenge: Challenge, code: str) -> str:
    """Send or say a code, and return the provider's id."""
    device = challenge.device
    if not device.is_called:
        return gateway().send_text(device.phone, code_message(code), challenge.public_id)
    words = spoken_code(code, language=device.user.language)
    return gateway().place_call(device.phone, device.extension, words, challenge.public_id)


def _settle(challenge: Challenge, delivery: Delivery, *, error: str) -> None:
    Challenge.objects.filter(pk=challenge.pk, delivery=Delivery.SENDING).update(delivery=delivery, error=error[:40])
    _record_not_sent(challenge, error)


def _record_not_sent(challenge: Challenge, reason: str) -> None:
    user = challenge.device.user
    record_event(
        AccountEvent.CODE_NOT_SENT,
        subject=user,
        on_behalf_of=user,
        device=challenge.device.public_id,
        challenge=challenge.public_id,
        reason=reason,
    )


@shared_task
def match_registration(registration_id: int) -> None:
    """Match a request for an account against the carrier's data, and take the next step."""
    registering.match(registration_id)


@shared_task
def purge_registrations() -> None:
    """Close the registrations that nobody used in time, and delete old ones."""
    registering.purge()


@shared_task
def expire_challenges() -> None:
    """End stuck challenges in a state that the page shows, and enqueue lost ones again (beat)."""
    now = timezone.now()
    Challenge.objects.filter(delivery=Delivery.QUEUED).filter(
        Q(expires_at__lte=now) | Q(voided_at__isnull=False)
    ).update(delivery=Delivery.EXPIRED)
    Challenge.objects.filter(delivery=Delivery.SENDING, sending_at__lte=now - SENDING_AT_MOST).update(
        delivery=Delivery.UNKNOWN
    )
    lost = Challenge.objects.usable().filter(delivery=Delivery.QUEUED, created_at__lte=now - ENQUEUE_AGAIN_AFTER)
    for challenge_id in lost.values_list("pk", flat=True):
        enqueue(send_code.name, challenge_id)


@shared_task
def void_factorless_passwords() -> None:
    """Void passwords after 7 days without a second factor, and those taken over from a former system after 90 days
    without use (docs/security.md#sign-in). The owner gets a link to choose a new one on 'Forgot password?'."""
    before = timezone.now() - settings.FACTORLESS_PASSWORD_LIFE
    unused = Q(password_changed_at=None, password_taken_over_at__lte=timezone.now() - settings.TAKEN_OVER_PASSWORD_LIFE)
    candidates = User.objects.filter(Q(password_changed_at__lte=before) | unused).exclude(
        Q(password__startswith=UNUSABLE_PASSWORD_PREFIX) | Q(factorless_since__gt=before)
    )
    for model in (AuthenticatorDevice, PhoneDevice, Passkey):
        candidates = candidates.exclude(Exists(model.objects.filter(user=OuterRef("pk"), confirmed=True)))
    for user_id in candidates.values_list("pk", flat=True):
        with transaction.atomic():
            user = candidates.select_for_update().filter(pk=user_id).first()
            if user is None:
                continue
            user.set_unusable_password()
            user.save(update_fields=["password", "password_changed_at"])
            user.sessions.open().end(EndReason.EVERYWHERE)
            record_event(AccountEvent.PASSWORD_VOIDED, subject=user, because="no second factor")


@shared_task
def purge_sessions() -> None:
    """End abandoned sessions past a limit, and delete old sessions, unfinished setups, and challenges that expired."""
    now = timezone.now()
    is_open = Session.objects.open()
    is_open.filter(
        Q(created_at__lte=now - settings.SESSION_ABSOLUTE, authenticated_at=None)
        | Q(authenticated_at__lte=now - settings.SESSION_ABSOLUTE)
    ).end(EndReason.ABSOLUTE)
    is_open.filter(last_seen_at__lte=now - settings.SESSION_IDLE).end(EndReason.IDLE)
    for devices in (AuthenticatorDevice.objects, PhoneDevice.objects):
        devices.filter(confirmed=False, created_at__lte=now - settings.SESSION_ABSOLUTE).delete()
    PasskeyChallenge.objects.filter(expires_at__lte=now).delete()
    forgotten, _ = (
        Session.objects.exclude(ended_at=None).filter(Q(user=None) | Q(ended_at__lte=now - SESSIONS_KEPT)).delete()
    )
    FamiliarPlace.objects.filter(last_seen_at__lte=now - settings.FAMILIAR_FOR).delete()
    log.info("sessions_purged", rows=forgotten)


@shared_task
def send_password_reset(reset_id: int) -> None:
    """Mail a link and a code for a forgotten password, if there is an account."""
    resets.send(reset_id)


@shared_task
def end_looks() -> None:
    """End the looks of staff whose time is up, or whose session is over (beat)."""
    looks.end_overdue()


@shared_task
def send_username(reminder_id: int) -> None:
    """Mail a forgotten username, if the person is matched and has an account."""
    usernames.send(reminder_id)


@shared_task
def remind_of_activity() -> int:
    """Remind owners who wish it to review their account's activity, once a quarter (beat)."""
    return reviews.remind()


@shared_task
def forget_detail_changes() -> None:
    """Delete what accounts had before changes, after a year."""
    old = DetailChange.objects.filter(at__lt=timezone.now() - settings.DETAIL_CHANGES_KEPT)
    deleted, _ = old.delete()
    log.info("detail_changes_deleted", rows=deleted)


@shared_task
def carry_out_factor_resets() -> None:
    """Remove second factors whose delay is over, and let lapse what nobody approved (beat)."""
    factor_resets.carry_out_due()


@shared_task
def purge_recovery_requests() -> None:
    """Delete old requests for forgotten passwords and usernames: their links and codes are long over."""
    before = timezone.now() - RECOVERY_REQUESTS_KEPT
    for requests in (PasswordReset.objects, UsernameReminder.objects):
        requests.filter(created_at__lte=before).delete()

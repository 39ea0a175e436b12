"""Asking clinicians for their parts by emailed link: one, or all who are missing, again and again but not too often
(B-16)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models.sessions import TrustedDevice
from core import work
from core.crypto import keyed_hash
from core.dates import shown_day
from core.events import record_event, record_many
from core.mail import is_address
from core.templatetags.show import clock, day
from core.throttle import Limit
from policies import emails
from policies.models import RenewalAsking, RenewalPart
from policies.renewals import drafting, signing
from policies.renewals.access import NotNowError
from policies.renewals.events import RenewalEvent

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from accounts.models import User
    from policies.models import RenewalApplication

ALL = Limit("policies:renewal-ask-all", 3, dt.timedelta(days=1))
# By the clinician, from the page of a link that doesn't work anymore.
AGAIN = Limit("policies:renewal-link-again", 5, dt.timedelta(days=1))
# Every 200th part of an application that is missing: where a piece begins, and where it ends.
_PIECES = """
SELECT min(id), max(id) FROM (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s AS piece
    FROM policies_renewalpart WHERE application_id = %(application)s AND signed_at IS NULL
) numbered GROUP BY piece ORDER BY piece
"""


class NotAskedError(Exception):
    """Why a clinician isn't written to now, as a sentence."""


def hash_of(token: str) -> str:
    """Return what is kept of a link's token."""
    return keyed_hash("renewal-part", token)


def ask(part: RenewalPart, *, by: User | None) -> RenewalPart:
    """Mail the clinician a link; a former one stops working. `by`: None is the clinician's own wish for a new one.

    Raises `NotAskedError` without an email, after the signature, or too soon after the last time.
    """
    with transaction.atomic():
        locked = RenewalPart.objects.select_for_update(of=("self",)).get(pk=part.pk)
        locked.application, locked.insured = part.application, part.insured
        _refuse(locked, by=by)
        _mail(locked)
        record_event(
            RenewalEvent.PART_ASKED,
            subject=part.application,
            by=by,
            part=part.public_id,
            insured=part.insured_id,
            mailing=locked.mailings,
        )
    return locked


def _refuse(part: RenewalPart, *, by: User | None) -> None:
    if part.signed_at is not None:
        raise NotAskedError("This part is signed already.")
    if not signing.takes_parts(part.application):
        raise NotAskedError(signing.GONE)
    if not is_address(part.email):
        raise NotAskedError("We have no email for this clinician. Enter one first.")
    if by is None:
        if not AGAIN.hit(str(part.pk)).allowed:
            raise NotAskedError("We’ve sent you several links today. Use the newest one, or try again tomorrow.")
        return
    next_at = reminds_again_at(part)
    if next_at is not None:
        raise NotAskedError(
            f"We wrote to {part.insured.display_name} within the last day. You can remind them again after "
            f"{clock(next_at)} on {day(shown_day(next_at))}."
        )


def reminds_again_at(part: RenewalPart) -> dt.datetime | None:
    """Return when the group can remind a clinician again; None if now. A link that was withdrawn can be replaced at
    once."""
    if part.asked_at is None or part.token_withdrawn_at is not None:
        return None
    at = part.asked_at + settings.RENEWAL_REMIND_EVERY
    return at if at > timezone.now() else None


def ask_all(application: RenewalApplication, *, by: User, key: uuid.UUID) -> int:
    """Ask every clinician who is missing: a worker writes to them, piece by piece. Returns the number of pieces; those
    written to within the last day are left out. The same form again asks once.

    Raises `NotAskedError` past three times a day, and `NotNowError` after the term.
    """
    askings = RenewalAsking.objects.filter(application=application, key=key)
    if there := askings.count():
        return there
    if not signing.takes_parts(application):
        raise NotNowError(signing.GONE)
    if not ALL.hit(str(application.pk)).allowed:
        raise NotAskedError(
            f"Everyone was asked {ALL.times} times within a day. Remind single clinicians, or try again tomorrow."
        )
    with transaction.atomic():
        drafting.sync_parts(application)
        if there := askings.count():
            return there
        with connection.cursor() as cursor:
            cursor.execute(_PIECES, {"size": settings.RENEWAL_PIECE, "application": application.pk})
            pieces = cursor.fetchall()
        for first, last in pieces:
            row = RenewalAsking.objects.create(application=application, by=by, key=key, first_id=first, last_id=last)
            work.hand_over(row)
        record_event(RenewalEvent.ASKED_ALL, subject=application, by=by, pieces=len(pieces))
    return len(pieces)


def run(asking_id: int) -> None:
    """Write to the clinicians of one piece. Runs in a worker; run again, it writes to those who are left."""
    with work.attempt(RenewalAsking, asking_id) as asking:
        if asking is None:
            return
        application = asking.application
        missing = RenewalPart.objects.missing().filter(
            application=application, pk__gte=asking.first_id, pk__lte=asking.last_id
        )
        asked, unreachable = [], 0
        if signing.takes_parts(application):
            for part in missing.select_related("insured").select_for_update(of=("self",)).order_by("pk"):
                part.application = application
                if not is_address(part.email):
                    unreachable += 1
                elif reminds_again_at(part) is None:
                    _mail(part, of_many=True)
                    asked.append(part)
        record_many(
            RenewalEvent.PART_ASKED,
            [
                (application, None, {"part": part.public_id, "insured": part.insured_id, "mailing": part.mailings})
                for part in asked
            ],
        )
        RenewalAsking.objects.filter(pk=asking.pk).update(
            status=RenewalAsking.Status.DONE, asked=len(asked), unreachable=unreachable
        )


def change_email(part: RenewalPart, *, email: str, by: User) -> None:
    """Send links to another address from now on; the former link stops working."""
    with transaction.atomic():
        locked = RenewalPart.objects.select_for_update(of=("self",)).get(pk=part.pk)
        if locked.signed_at is not None:
            raise NotAskedError("This part is signed already.")
        if locked.email == email:
            return
        locked.email = part.email = email
        locked.save(update_fields=["email"])
        _withdraw(locked)
        # The address itself isn't in the log.
        record_event(
            RenewalEvent.PART_ADDRESS, subject=part.application, by=by, part=part.public_id, insured=part.insured_id
        )


def withdraw(part: RenewalPart, *, by: User) -> bool:
    """Let the clinician's link open nothing anymore, at once; False where none works."""
    with transaction.atomic():
        locked = RenewalPart.objects.select_for_update(of=("self",)).get(pk=part.pk)
        if locked.token_withdrawn_at is not None or not locked.mailings:
            return False
        _withdraw(locked)
        record_event(
            RenewalEvent.PART_WITHDRAWN, subject=part.application, by=by, part=part.public_id, insured=part.insured_id
        )
    return True


def _withdraw(part: RenewalPart) -> None:
    if part.mailings:
        part.token_withdrawn_at = timezone.now()
        part.save(update_fields=["token_withdrawn_at"])


def _mail(part: RenewalPart, *, of_many: bool = False) -> None:
    """Mail a new link, in the caller's transaction, with the part locked."""
    now = timezone.now()
    part.mailings += 1
    part.asked_at, part.token_expires_at = now, now + settings.RENEWAL_LINK_LIFE
    part.token_hash, part.token_used_at, part.token_withdrawn_at = "", None, None
    part.save(
        update_fields=[
            "mailings",
            "asked_at",
            "token_expires_at",
            "token_hash",
            "token_used_at",
            "token_withdrawn_at",
        ]
    )
    emails.renewal_part(part, of_many=of_many)


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the token of a link that is about to be mailed; None for one that was replaced, withdrawn, or isn't needed
    anymore. The hook `mail.renewal_part`."""
    with transaction.atomic():
        rows = RenewalPart.objects.select_for_update(of=("self",)).select_related(
            "application__policy__policyholder", "application__term"
        )
        part = rows.filter(public_id=stored["part"]).first()
        if part is None or part.mailings != stored["mailing"] or part.signed_at is not None:
            return None
        if part.token_withdrawn_at is not None or not signing.takes_parts(part.application):
            return None
        token = TrustedDevice.new_token()
        part.token_hash = hash_of(token)
        part.save(update_fields=["token_hash"])
    base = settings.PUBLIC_URL.rstrip("/")
    return {
        "holder": part.application.policy.policyholder.name,
        "ends": day(part.application.term.expires),
        "address": f"{base}{reverse('policies:part-link', args=[token])}",
        "own": f"{base}{part.get_absolute_url()}",
        "days": settings.RENEWAL_LINK_LIFE.days,
    }

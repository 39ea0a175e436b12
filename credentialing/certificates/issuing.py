"""Issuing a certificate, and bringing its file about whatever happens to the workers and the queue in between.

The row is the state. It is `queued` until its file is stored; a worker counts an attempt, then lays the page out
while it holds the row's lock. A worker that is killed loses the lock with its connection, so a queued row that
nobody holds and whose message is some seconds old is handed to the queue again: by beat, and by the page that waits.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from core.alerts import alert_staff
from core.events import record_event
from core.origin import acting_by_itself
from core.pdf import unprintable
from core.queue import enqueue, waiting
from core.storage import private_storage
from credentialing.certificates import limits
from credentialing.certificates.history import history_of
from credentialing.certificates.numbers import new_serial, new_verification_code
from credentialing.certificates.rendering import certificate_pdf
from credentialing.certificates.snapshot import build_snapshot, digest_of, texts_of
from credentialing.events import CertificateEvent
from credentialing.models import Certificate, Holder
from policies.models import Membership
from policies.names import fold
from policies.rights import reaching

if TYPE_CHECKING:
    from accounts.models import User
    from policies.eligibility import Eligibility
    from policies.models import Coverage

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
# A message is taken for lost after so long: soon where a worker had begun or the queue had refused it, later where it
# may only be waiting its turn.
LOST_AFTER_BEGINNING = timedelta(seconds=3)
LOST_WHILE_WAITING = timedelta(seconds=8)
# No more than this waits in the queue by handing over again: with the worker down it would otherwise fill Redis, which
# carries the sign-in codes too.
MOST_IN_QUEUE = 100
DOCUMENTS = "documents"
_room_to_wait = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
# On whose behalf a user issues who reaches a coverage in several roles: for a clinician on somebody else's policy, and
# for one on her own.
AS_HERSELF = (Membership.Role.INSURED, Membership.Role.POLICYHOLDER, Membership.Role.AGENT)
AS_POLICYHOLDER = (Membership.Role.POLICYHOLDER, Membership.Role.INSURED, Membership.Role.AGENT)


class NotIssuableError(Exception):
    """Nothing can be certified; the message is the sentence for the user."""


def acting_memberships(user: User, coverage: Coverage) -> list[Membership]:
    """The memberships by which the user may issue for this coverage, the one she issues by first.

    A clinician on her group's policy issues her own certificates as herself, even where she manages the policy too:
    the group then doesn't see to whom. Where insured and policyholder are the same person, the policyholder does, so
    that everyone who works for her sees them. `coverage` was fetched through `visible_to(user)`.
    """
    policyholder = coverage.term.policy.policyholder
    rank = AS_POLICYHOLDER if policyholder.insured_id == coverage.insured_id else AS_HERSELF
    reach = [
        membership
        for membership in reaching(user, coverage.term.policy)
        if membership.role != Membership.Role.INSURED or membership.insured_id == coverage.insured_id
    ]
    return sorted(reach, key=lambda membership: (rank.index(Membership.Role(membership.role)), membership.pk))


def acting_membership(user: User, coverage: Coverage) -> Membership:
    """The membership by which the user issues for this coverage (see `acting_memberships`)."""
    return acting_memberships(user, coverage)[0]


def keep_holder(*, by: User, membership: Membership, **typed: str) -> Holder:
    """The holder of that name and address in the address book of the membership's party, added where it is new.

    `typed`: name, address1, address2, city, state, zip. Raises `limits.TooManyError`, and then adds nothing.
    """
    party = {
        "insured_id": membership.insured_id,
        "policyholder_id": membership.policyholder_id,
        "agency_id": membership.agency_id,
    }
    holder = Holder(**party, **typed, created_by=by)
    holder.fingerprint = holder.fingerprint_now()
    with transaction.atomic():
        kept, is_new = Holder.objects.get_or_create(
            **party,
            fingerprint=holder.fingerprint,
            defaults={**typed, "search_name": fold(holder.name), "created_by": by},
        )
        if is_new:
            limits.count_new_holder(by)
            record_event(CertificateEvent.HOLDER_ADDED, subject=kept, by=by)
    return kept


def issue(
    *,
    coverage: Coverage,
    eligibility: Eligibility,
    holder: Holder | None,
    by: User,
    membership: Membership,
    key: uuid.UUID,
) -> Certificate:
    """Issue a certificate of `coverage` to `holder` (None: to whom it may concern) and start on its file.

    `eligibility`: what the coverage gives now, as the page judged it. `key`: the form's; the same form again gives the
    same certificate, and so does the same content on the same day (`was_there` then says so). Raises `NotIssuableError`
    with the reason where nothing is allowed, or where the page can't be printed.
    """
    policy, as_of = coverage.term.policy, eligibility.as_of
    if not eligibility.allows or as_of is None:
        raise NotIssuableError(eligibility.reason)
    history = history_of(coverage, eligibility, user=by, membership=membership) if eligibility.is_letter else None
    snapshot = build_snapshot(coverage, eligibility, holder, day=policy.today(), as_of=as_of, history=history)
    if missing := unprintable("".join(texts_of(snapshot))):
        raise NotIssuableError(
            f"The company’s data holds characters that can’t be printed ({' '.join(missing)}). Please ask customer "
            "service to have them corrected."
        )
    certificate = Certificate(
        kind=eligibility.kind,
        coverage=coverage,
        holder=holder,
        snapshot=snapshot,
        snapshot_digest=digest_of(snapshot, issued_by=membership),
        issued_on=policy.today(),
        issued_by=by,
        membership=membership,
        idempotency_key=key,
    )
    with transaction.atomic():
        stored, is_new = _store_once(certificate)
        if holder is not None:
            Holder.objects.filter(pk=holder.pk).update(last_used_at=timezone.now())
        record_event(
            CertificateEvent.ISSUED if is_new else CertificateEvent.ISSUED_AGAIN,
            subject=stored,
            by=by,
            serial=stored.serial,
            kind=stored.kind,
            role=membership.role,
            membership=membership.pk,
        )
        if is_new:
            transaction.on_commit(partial(_hand_over, stored.pk))
    stored.was_there = not is_new and stored.idempotency_key != key
    if stored.has_failed:
        with suppress(limits.TooManyError):
            limits.count_retry(by)
            retry(stored, by=by)
    return stored


def _store_once(certificate: Certificate) -> tuple[Certificate, bool]:
    """Insert the row, or find the one that this form or this content made before. Two at once: the database lets one
    insert win, the other finds it."""
    prefix = Certificate.PREFIXES.get(certificate.kind, "COI")
    same_form = Q(
        issued_by=certificate.issued_by, idempotency_key=certificate.idempotency_key, holder=certificate.holder
    )
    same_content = Q(snapshot_digest=certificate.snapshot_digest, issued_on=certificate.issued_on)
    for _ in range(5):
        found = Certificate.objects.filter(same_form | same_content, coverage=certificate.coverage).first()
        if found is not None:
            return found, False
        certificate.serial = new_serial(prefix, certificate.issued_on.year)
        certificate.verification_code = new_verification_code()
        try:
            with transaction.atomic():
                certificate.save(force_insert=True)
        except IntegrityError as clash:
            # The same certificate at the same moment, or (once in very many) a serial number that is taken.
            log.info("certificate_insert_clashed", coverage=certificate.coverage_id, error=type(clash).__name__)
            certificate.pk = None
        else:
            return certificate, True
    raise RuntimeError("No free serial number was found in five tries.")


def _hand_over(certificate_id: int) -> bool:
    """Put a certificate into the queue of documents. Where the queue can't be reached the row says so and waits."""
    from credentialing.tasks import render_certificate

    if enqueue(render_certificate, certificate_id):
        return True
    Certificate.objects.queued().filter(pk=certificate_id).update(is_enqueued=False)
    return False


def wait_for_file(certificate: Certificate, *, seconds: float) -> None:
    """Return when the certificate is ready or has failed, when the queue didn't take it, or after `seconds`.

    At once where half of this process's threads wait already: the others are for those who don't issue
    (docs/security.md#exhaustion), and the page of the certificate goes on asking by itself.
    """
    if not _room_to_wait.acquire(blocking=False):
        return
    try:
        _wait(certificate, seconds)
    finally:
        _room_to_wait.release()


def _wait(certificate: Certificate, seconds: float) -> None:
    """Looks at one column of one row, first after the time that no page is laid out in, then every 20 ms."""
    rows = Certificate.objects.filter(pk=certificate.pk).values_list("status", "is_enqueued")
    deadline = time.monotonic() + seconds
    pause = 0.08
    while True:
        certificate.status, certificate.is_enqueued = rows.get()
        if certificate.status != Certificate.Status.QUEUED or not certificate.is_enqueued:
            return
        if time.monotonic() + pause > deadline:
            return
        time.sleep(pause)
        pause = 0.02


def render(certificate_id: int) -> None:
    """Lay out and store the file of a queued certificate, unless another worker is at it. Runs in a worker.

    The bytes are stored before the row says `ready`. Raises whatever goes wrong; `attempt_failed` then decides.
    """
    if not _count_attempt(certificate_id):
        return
    with transaction.atomic():
        certificate = _lock(certificate_id)
        if certificate is None:
            return
        pdf = certificate_pdf(certificate)
        sha256 = hashlib.sha256(pdf).hexdigest()
        name = f"certificates/{certificate.issued_on:%Y/%m}/{certificate.public_id}-{sha256[:16]}.pdf"
        storage = private_storage()
        # The name says the content: a file left by an attempt that was killed after storing it is the same file.
        if not storage.exists(name):
            name = storage.save(name, ContentFile(pdf))
        Certificate.objects.filter(pk=certificate.pk).update(
            status=Certificate.Status.READY, file=name, sha256=sha256, size=len(pdf), ready_at=timezone.now()
        )
        record_event(
            CertificateEvent.RENDERED,
            subject=certificate,
            serial=certificate.serial,
            sha256=sha256,
            attempt=certificate.attempts,
        )


def _lock(certificate_id: int) -> Certificate | None:
    """The queued row, locked until the transaction ends; None where it isn't queued or another worker has it."""
    return (
        Certificate.objects.queued().select_for_update(skip_locked=True, no_key=True).filter(pk=certificate_id).first()
    )


def _count_attempt(certificate_id: int) -> bool:
    """Count an attempt, committed before the work begins, so that a killed worker's counts too."""
    with transaction.atomic():
        certificate = _lock(certificate_id)
        if certificate is None:
            return False
        if certificate.attempts >= MAX_ATTEMPTS:
            _give_up(certificate)
            return False
        Certificate.objects.filter(pk=certificate_id).update(attempts=F("attempts") + 1)
        return True


def attempt_failed(certificate_id: int, error: str) -> None:
    """After an attempt that raised `error` (its class): try again at once, or give up after the third."""
    with transaction.atomic():
        certificate = _lock(certificate_id)
        if certificate is None:
            return
        Certificate.objects.filter(pk=certificate_id).update(last_error=error[:120], enqueued_at=timezone.now())
        if certificate.attempts >= MAX_ATTEMPTS:
            _give_up(certificate)
        else:
            transaction.on_commit(partial(_hand_over, certificate_id))


def _give_up(certificate: Certificate) -> None:
    """Mark it failed where people see it, and tell staff. The row is locked."""
    Certificate.objects.filter(pk=certificate.pk).update(status=Certificate.Status.FAILED)
    with acting_by_itself():
        record_event(
            CertificateEvent.FAILED,
            subject=certificate,
            serial=certificate.serial,
            attempts=certificate.attempts,
        )
    alert_staff(
        f"Certificate {certificate.serial} could not be made",
        f"Certificate {certificate.serial} was tried {certificate.attempts} times. The log of the documents worker "
        "tells why; once that is mended, retry it in admin under Certificates.",
    )


def retry(certificate: Certificate, *, by: User) -> bool:
    """Try a failed certificate again, with its attempts counted from zero. Return False if it hasn't failed."""
    with transaction.atomic():
        again = Certificate.objects.filter(pk=certificate.pk, status=Certificate.Status.FAILED).update(
            status=Certificate.Status.QUEUED, attempts=0, last_error="", enqueued_at=timezone.now(), is_enqueued=True
        )
        if again:
            record_event(CertificateEvent.RETRIED, subject=certificate, by=by, serial=certificate.serial)
            transaction.on_commit(partial(_hand_over, certificate.pk))
    certificate.refresh_from_db(fields=["status", "attempts", "is_enqueued", "enqueued_at"])
    return bool(again)


def requeue_lost(only: Certificate | None = None) -> int:
    """Hand over again what is queued, held by nobody, and whose message is lost; returns how many.

    Only while the queue is short: in a long one the message isn't lost, it waits. The rows are claimed by one
    transaction that skips locked ones: of beat and the pages that wait, one does it.
    """
    now = timezone.now()
    lost = Q(enqueued_at__lt=now - LOST_WHILE_WAITING) | (
        Q(enqueued_at__lt=now - LOST_AFTER_BEGINNING) & (Q(attempts__gt=0) | Q(is_enqueued=False))
    )
    found = Certificate.objects.queued().filter(lost)
    if only is not None:
        found = found.filter(pk=only.pk)
    if not found.exists():
        return 0
    # A queue that can't be reached takes nothing either; handing over finds that out and says so on the row.
    room = MOST_IN_QUEUE - (waiting(DOCUMENTS) or 0)
    if room <= 0:
        return 0
    with transaction.atomic():
        rows = found.select_for_update(skip_locked=True, no_key=True)
        claimed = list(rows.order_by("enqueued_at")[:room])
        given_up = [certificate for certificate in claimed if certificate.attempts >= MAX_ATTEMPTS]
        for certificate in given_up:
            _give_up(certificate)
        again = [certificate.pk for certificate in claimed if certificate.attempts < MAX_ATTEMPTS]
        Certificate.objects.filter(pk__in=again).update(enqueued_at=now, is_enqueued=True)
    handed_over = 0
    for position, pk in enumerate(again):
        if not _hand_over(pk):
            # The queue is away: the rest would wait for it one by one.
            Certificate.objects.queued().filter(pk__in=again[position:]).update(is_enqueued=False)
            break
        handed_over += 1
    if given_up or handed_over:
        log.warning("certificates_requeued", again=handed_over, given_up=len(given_up))
    return handed_over

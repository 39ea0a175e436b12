"""Issuing a certificate, and laying out its file: the row is work (`core.work`)."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from core import work
from core.events import record_event
from core.pdf import unprintable
from credentialing.certificates import limits
from credentialing.certificates.history import history_of
from credentialing.certificates.numbers import new_serial, new_verification_code
from credentialing.certificates.rendering import certificate_pdf
from credentialing.certificates.snapshot import build_snapshot, digest_of, texts_of
from credentialing.events import CertificateEvent
from credentialing.models import Certificate, Holder
from credentialing.papers import store_file
from policies.models import Membership
from policies.names import fold
from policies.rights import reaching

if TYPE_CHECKING:
    from accounts.models import User
    from policies.eligibility import Eligibility
    from policies.models import Coverage

log = structlog.get_logger(__name__)

# On whose behalf a user issues who reaches a coverage in several roles: for a clinician on someone else's policy, and
# for one on their own.
AS_INSURED = (Membership.Role.INSURED, Membership.Role.POLICYHOLDER, Membership.Role.AGENT)
AS_POLICYHOLDER = (Membership.Role.POLICYHOLDER, Membership.Role.INSURED, Membership.Role.AGENT)


class NotIssuableError(Exception):
    """Nothing can be certified; the message is the sentence for the user."""


def acting_memberships(user: User, coverage: Coverage) -> list[Membership]:
    """Return the memberships by which the user may issue for this coverage, the one they issue by first.

    Clinicians on their group's policy issue their own certificates as the insured, even where they manage the policy
    too: the group then doesn't see to whom. Where insured and policyholder are the same person, the policyholder
    issues, so that everyone who works for them sees it. `coverage` was fetched through `visible_to(user)`.
    """
    policyholder = coverage.term.policy.policyholder
    rank = AS_POLICYHOLDER if policyholder.insured_id == coverage.insured_id else AS_INSURED
    reach = [
        membership
        for membership in reaching(user, coverage.term.policy)
        if membership.role != Membership.Role.INSURED or membership.insured_id == coverage.insured_id
    ]
    return sorted(reach, key=lambda membership: (rank.index(Membership.Role(membership.role)), membership.pk))


def acting_membership(user: User, coverage: Coverage) -> Membership:
    """Return the membership by which the user issues for this coverage (see `acting_memberships`)."""
    return acting_memberships(user, coverage)[0]


def keep_holder(*, by: User, membership: Membership, **typed: str) -> Holder:
    """Return the holder of that name and address in the address book of the membership's party, added where it is new.

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
            work.hand_over(stored)
    stored.was_there = not is_new and stored.idempotency_key != key
    if stored.has_failed:
        with suppress(limits.TooManyError):
            limits.count_retry(by)
            work.retry(stored, by=by)
    return stored


def _store_once(certificate: Certificate) -> tuple[Certificate, bool]:
    """Insert the row, or find the one that this form or this content made before. Two at once: the database lets one
    insert win, the other finds it.

    Not `core.idempotency.create_once`: the content decides as well as the form, and a serial number may be taken.
    """
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


def render(certificate_id: int) -> None:
    """Lay out and store the file of a queued certificate, unless another worker is at it. Runs in a worker."""
    with work.attempt(Certificate, certificate_id) as certificate:
        if certificate is None:
            return
        store_file(certificate, certificate_pdf(certificate))

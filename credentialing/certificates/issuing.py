"""Issuing a certificate, and laying out its file: the row is work (`core.work`)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from core import work
from core.events import record_event
from core.memo import one_answer
from core.pdf import unprintable
from credentialing.certificates import limits
from credentialing.certificates.details import Details
from credentialing.certificates.history import Histories
from credentialing.certificates.numbers import new_serial, new_verification_code
from credentialing.certificates.registry import ask_for_form
from credentialing.certificates.rendering import certificate_pdf
from credentialing.certificates.snapshot import build_snapshot, digest_of, texts_of
from credentialing.events import CertificateEvent
from credentialing.models import Certificate, Holder
from credentialing.papers import store_file
from policies.eligibility import form_state, judge_parts
from policies.models import Membership
from policies.names import fold
from policies.rights import reaching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.models import User
    from credentialing.certificates.history import History
    from policies.eligibility import Part
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
        return kept.back_in_book()


@dataclass(frozen=True)
class Wanted:
    """A certificate that is asked for.

    `parts`: those of one insured's coverage in one term that it is to hold (`policies.eligibility.judge_parts`); they
    were fetched through `visible_to` and come `with_policy`. `holder`: None is to whom it may concern. `membership`:
    the one that it is issued by. `about`: the day that the parts were judged about; None is today.
    """

    parts: Sequence[Part]
    holder: Holder | None
    membership: Membership
    about: dt.date | None = None


@dataclass(frozen=True)
class Prepared:
    """A certificate that only waits to be stored, or the sentence that says why there is none."""

    certificate: Certificate | None
    refusal: str = ""


def parts_of(coverages: Iterable[Coverage], *, asked: dt.date | None = None) -> dict[tuple[int, int], list[Part]]:
    """Return the parts by insured and term, judged today (or about the day asked for).

    `coverages`: all of each insured in each term, `with_policy`, fetched through `visible_to`.
    """
    found: defaultdict[tuple[int, int], list[Coverage]] = defaultdict(list)
    for coverage in coverages:
        found[coverage.insured_id, coverage.term_id].append(coverage)
    with one_answer():
        return {pair: judge_parts(of_pair, asked=asked) for pair, of_pair in found.items()}


def prepare_many(wanted: Sequence[Wanted], *, by: User) -> list[Prepared]:
    """Return what is to be stored for each, in order, or why nothing is: unsaved rows without a serial number.

    At most eleven queries, however many are wanted: six for what belongs to their coverages, one each for forms, ages
    of data, licenses where they're printed, and the lists of letters. 25 to 250 at a time keep the memory flat. Where a
    form is lacking, staff are told, too.
    """
    refusals = [_refusal(one.parts) for one in wanted]
    allowed = [one for one, refusal in zip(wanted, refusals, strict=True) if not refusal]
    _ask_for_forms(wanted, by=by)
    with one_answer():
        letters = [one for one in allowed if one.parts[0].gives.is_letter]
        histories = Histories([one.parts[0].coverage for one in letters], user=by)
        lists = {id(one): histories.of(one.parts[0], membership=one.membership) for one in letters}
        listed = [coverage for history in lists.values() for coverage in history.coverages]
        details = Details([*(part.coverage for one in allowed for part in one.parts), *listed])
        return [
            Prepared(None, refusal) if refusal else _prepare(one, lists.get(id(one)), details, by=by)
            for one, refusal in zip(wanted, refusals, strict=True)
        ]


def _ask_for_forms(wanted: Sequence[Wanted], *, by: User) -> None:
    """Tell staff of the forms that are lacking: once for each company, state, and kind of paper."""
    lacking = {
        (part.coverage.term.policy.company_id, form_state(part.coverage), part.gives.lacks_form): part
        for one in wanted
        for part in one.parts
        if part.gives.lacks_form
    }
    for part in lacking.values():
        ask_for_form(part, by=by)


def _refusal(parts: Sequence[Part]) -> str:
    """Return why these parts give no certificate; empty where they do."""
    if not parts:
        return "Choose at least one part of the coverage."
    if refused := next((part.gives.reason for part in parts if not part.gives.allows), ""):
        return refused
    if len({part.gives.kind for part in parts}) > 1:
        return "These parts can’t be on one certificate: one of them has ended or hasn’t begun."
    return ""


def _prepare(one: Wanted, history: History | None, details: Details, *, by: User) -> Prepared:
    lead = one.parts[0]
    policy, as_of = lead.coverage.term.policy, lead.gives.as_of
    if as_of is None:
        raise ValueError("What nothing is known of was allowed.")
    today = policy.today()
    snapshot = build_snapshot(
        one.parts,
        one.holder,
        day=today,
        about=one.about or today,
        as_of=as_of,
        details=details,
        history=history,
    )
    if missing := unprintable("".join(texts_of(snapshot))):
        return Prepared(
            None,
            f"The company’s data holds characters that can’t be printed ({' '.join(missing)}). Please ask customer "
            "service to have them corrected.",
        )
    certificate = Certificate(
        kind=lead.gives.kind,
        coverage=lead.coverage,
        holder=one.holder,
        snapshot=snapshot,
        snapshot_digest=digest_of(snapshot, issued_by=one.membership),
        issued_on=today,
        issued_by=by,
        membership=one.membership,
    )
    return Prepared(certificate)


def issue(
    *,
    parts: Sequence[Part],
    holder: Holder | None,
    by: User,
    membership: Membership,
    key: uuid.UUID,
    about: dt.date | None = None,
) -> Certificate:
    """Issue a certificate of `parts` to `holder` and start on its file; see `Wanted` and `store`.

    Raises `NotIssuableError` with the reason where nothing is allowed, or where the page can't be printed.
    """
    (prepared,) = prepare_many([Wanted(parts, holder, membership, about)], by=by)
    if prepared.certificate is None:
        raise NotIssuableError(prepared.refusal)
    return store(prepared.certificate, key=key)


def store(certificate: Certificate, *, key: uuid.UUID) -> Certificate:
    """Store a certificate that `prepare_many` made, and start on its file.

    `key`: the form's. The same form again for the same insured, term, and holder gives the same certificate, and so
    does the same content on the same day (`was_there` then says so).
    """
    by, holder, membership = certificate.issued_by, certificate.holder, certificate.membership
    certificate.idempotency_key = _key_of(key, certificate)
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
    stored.was_there = not is_new and stored.idempotency_key != certificate.idempotency_key
    if stored.has_failed:
        with suppress(limits.TooManyError):
            limits.count_retry(by)
            work.retry(stored, by=by)
    return stored


def _key_of(key: uuid.UUID, certificate: Certificate) -> uuid.UUID:
    """Return the form's key for what was chosen in it: after the back button, other parts or another day are another
    certificate."""
    snapshot = certificate.snapshot
    parts = ",".join(part["coverage"] for part in snapshot["parts"])
    another_day = "" if snapshot["about"] == snapshot["issued_on"] else snapshot["about"]
    return uuid.uuid5(key, f"{parts} {another_day}")


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

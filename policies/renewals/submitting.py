"""Submitting an application: checked, attested, kept as it is, and told to the carrier's system (S-28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from core import work
from core.events import record_event
from core.outbox import publish
from core.requests import OPEN, due_from_now
from policies.models import RenewalPart, RenewalSubmission
from policies.renewals import drafting, signing
from policies.renewals.access import NotNowError
from policies.renewals.events import RenewalEvent
from policies.renewals.sections import LINE, TITLES, LineForm, Problem, problems_of, rows_of, saved_form

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterator, Mapping

    from accounts.models import User
    from policies.models import Policy, RenewalApplication, RenewalSection, RenewalSignature

SNAPSHOT_VERSION = 1
RENEWAL_SUBMITTED = "renewal.submitted"


class NotReadyError(Exception):
    """The application has problems."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("not ready")
        self.problems = problems


class PartsMissingError(Exception):
    """Clinicians' parts are missing, and the submitter hasn't said that it goes without them."""


def submit(
    application: RenewalApplication,
    *,
    by: User,
    signed_name: str,
    without_missing: bool,
    code_at: dt.datetime | None,
    key: uuid.UUID,
) -> RenewalSubmission:
    """Sign and submit an application; a worker makes its PDF. The same form again gives the same submission.

    Raises `NotReadyError`, `PartsMissingError`, and `NotNowError` where it was submitted or its term ended meanwhile.
    """
    there = RenewalSubmission.objects.filter(application=application, idempotency_key=key).first()
    if there is not None:
        return there
    with transaction.atomic():
        try:
            locked = drafting.lock(application)
        except NotNowError:
            # The other one of two at once.
            there = RenewalSubmission.objects.filter(application=application, idempotency_key=key).first()
            if there is not None:
                return there
            raise
        locked.policy, locked.term = application.policy, application.term
        drafting.sync_parts(locked)
        pages, lines = rows_of(locked)
        if problems := problems_of(application.policy, pages, lines):
            raise NotReadyError(problems)
        locked.refresh_from_db(fields=["parts_count", "signed_count"])
        if locked.missing_count and not without_missing:
            raise PartsMissingError
        signature = signing.attest(application, signed_name=signed_name, by=by, code_at=code_at)
        submission = RenewalSubmission.objects.create(
            application=locked,
            number=locked.submissions.count() + 1,
            signature=signature,
            snapshot=_snapshot(locked, pages, lines, signature),
            submitted_at=signature.signed_at,
            idempotency_key=key,
        )
        _hand_in(locked, submission, by=by)
    for name in ("status", "submitted_at", "submitted_by", "due_at", "assigned_to"):
        setattr(application, name, getattr(locked, name))
    return submission


def _hand_in(application: RenewalApplication, submission: RenewalSubmission, *, by: User) -> None:
    now = timezone.now()
    application.status, application.assigned_to = OPEN, None
    application.submitted_at, application.submitted_by = submission.submitted_at, by
    application.due_at, application.acted_at, application.changed_at = due_from_now(), now, now
    application.save(
        update_fields=["status", "assigned_to", "submitted_at", "submitted_by", "due_at", "acted_at", "changed_at"]
    )
    record_event(
        RenewalEvent.SUBMITTED,
        subject=application,
        by=by,
        submission=submission.public_id,
        number=submission.number,
        missing=application.missing_count,
    )
    publish(
        RENEWAL_SUBMITTED,
        {
            "application": application.public_id,
            "submission": submission.public_id,
            "number": submission.number,
            "policy": application.policy.public_id,
            "term": application.term.public_id,
        },
        key=submission.public_id,
    )
    application.tell("submitted", key=submission.public_id)
    application.tell_desk(key=submission.public_id)
    work.hand_over(submission)


def _snapshot(
    application: RenewalApplication,
    pages: dict[str, RenewalSection],
    lines: list[RenewalSection],
    signature: RenewalSignature,
) -> dict[str, Any]:
    """Return the application as it is submitted: the answers with the questions' words. A clinician's answers aren't in
    it: they are between her and us (docs/decisions/0232-parts-are-the-clinicians-own.md)."""
    policy, term = application.policy, application.term
    holder = policy.policyholder
    return {
        "version": SNAPSHOT_VERSION,
        "policy": policy.number,
        "program": policy.get_program_display(),
        "company": policy.company.name,
        "named_insured": {"name": holder.name, "address": holder.address_lines},
        "term": {"effective": term.effective.isoformat(), "expires": term.expires.isoformat()},
        "pages": [{"title": title, "answers": answers} for _, title, answers in answers_so_far(policy, pages)],
        "lines": [line_of(line) for line in lines],
        "parts": _parts(application),
        "attestation": {
            "signed_name": signature.signed_name,
            "username": signature.username,
            "signed_at": signature.signed_at.isoformat(),
            "ip": signature.ip or "",
            "text": signature.text,
            "fraud_warning": signature.fraud_warning,
        },
    }


def answers_so_far(
    policy: Policy, pages: Mapping[str, RenewalSection]
) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """Yield each page's name, its title, and the answers that are right so far, with the questions' words."""
    for name, title in TITLES.items():
        yield name, title, _page(name, policy, pages.get(name))


def _page(name: str, policy: Policy, section: RenewalSection | None) -> list[dict[str, str]]:
    form = saved_form(name, policy, section)
    form.is_valid()
    if hasattr(form, "answers"):
        answers: list[dict[str, str]] = form.answers()
        return answers
    return [{"set": "", "key": "", "text": label, "value": value, "details": ""} for label, value in form.shown()]


def line_of(line: RenewalSection) -> dict[str, Any]:
    """Return what is asked for one coverage, and the answers that it needs."""
    coverage = line.coverage
    assert coverage is not None  # noqa: S101  # `rows_of` returns lines with theirs
    form = LineForm(dict(line.values), coverage=coverage)
    is_valid = form.is_valid()
    return {
        "kind": LINE,
        "insured": coverage.insured.display_name,
        "insured_id": coverage.insured.public_id,
        "coverage": coverage.public_id,
        "part": coverage.get_part_display(),
        "changes": form.changes if is_valid else ["Not complete"],
        "answers": form.answers() if is_valid else [],
    }


def _parts(application: RenewalApplication) -> list[list[str]]:
    """Return name, and when it was signed, or nothing, of each part in order."""
    rows = RenewalPart.objects.filter(application=application).select_related("insured").order_by("sort_key", "pk")
    return [[row.insured.display_name, row.signed_at.isoformat() if row.signed_at else ""] for row in rows]

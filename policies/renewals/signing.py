"""What is signed: a clinician's part, and the attestation of the whole application, with the state's fraud warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.events import record_event
from core.origin import current_origin
from policies.models import Insured, RenewalApplication, RenewalPart, RenewalSignature, fraud_warning
from policies.names import fold
from policies.renewals.access import NotNowError
from policies.renewals.events import RenewalEvent
from policies.renewals.question_forms import QuestionsForm
from policies.renewals.questions import clinician_sets

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User
    from policies.models import Policy

# Change a text only together with the version: each signature keeps both.
VERSION = "2026-11"
PART_TEXT = (
    (
        "I answered these questions myself. My answers are true and complete to the best of my knowledge. I’ll tell "
        "{company} before the renewal begins if an answer changes."
    ),
    "I understand that {company} relies on my answers, and that this isn’t a report of a claim or an incident.",
    "I sign electronically by typing my name. My signature has the same effect as one on paper.",
)
ATTESTATION = (
    (
        "I’m authorized to act for {holder} and everyone to be insured. I’ve read this application, including what "
        "others prepared, and after asking the people concerned, I state that it’s true and complete to the best of my "
        "knowledge."
    ),
    (
        "I’ll tell {company} before the renewal begins if anything changes. I understand that {company} relies on this "
        "application, that it isn’t coverage, and that coverage is renewed only when {company} confirms it."
    ),
    "I sign electronically by typing my name. My signature has the same effect as one on paper.",
)
GONE = "The term has ended, or the application was closed, so your part can’t be signed anymore."


def part_text(policy: Policy) -> list[str]:
    """Return the paragraphs that a clinician signs."""
    return [each.format(company=policy.company.name) for each in PART_TEXT]


def attestation_text(policy: Policy) -> list[str]:
    """Return the paragraphs that the policyholder's representative signs."""
    values = {"company": policy.company.name, "holder": policy.policyholder.name}
    return [each.format(**values) for each in ATTESTATION]


def state_of(policy: Policy, insured: Insured | None = None) -> str:
    """Return the state whose fraud warning is read: the insured's, else the policyholder's."""
    return (insured.state if insured is not None else "") or policy.policyholder.state


def warning_for(policy: Policy, insured: Insured | None = None) -> str:
    """Return the fraud warning to be read. One query."""
    return fraud_warning(state_of(policy, insured))


def is_name_of(typed: str, insured: Insured) -> bool:
    """Whether a typed signature has the insured's own first and last names."""
    return set(fold(f"{insured.first_name} {insured.last_name}").split()) <= set(fold(typed).split())


def part_form(part: RenewalPart, data: Any = None, **options: Any) -> QuestionsForm:
    """Return the form of a clinician's questions; without `data`, it shows what is saved."""
    sets = clinician_sets(part.application.policy.program, specialties_of(part))
    saved = {**part.values, "version": part.version}
    return QuestionsForm(data, sets=sets, initial=saved, **options)


def specialties_of(part: RenewalPart) -> list[str]:
    """Return a clinician's specialties under the term. One query."""
    coverages = part.application.term.coverages.not_retired().filter(insured_id=part.insured_id).order_by("pk")
    return list(dict.fromkeys([part.insured.specialty, *coverages.values_list("specialty", flat=True)]))


def takes_parts(application: RenewalApplication) -> bool:
    """Whether clinicians can still answer and sign: until the term ends, after the submission, too."""
    return not application.is_closed and not application.has_ended(application.policy.today())


def save_part(part: RenewalPart, form: QuestionsForm, *, by: User | None) -> RenewalPart:
    """Save what a clinician has typed so far. Raises `SavedMeanwhileError`, and `NotNowError` once it's signed or too
    late."""
    with transaction.atomic():
        locked = _locked(part)
        locked.keep(form.typed(), version=form.typed_version, window=form.typed_window, by=by)
    part.values, part.version, part.saved_at = locked.values, locked.version, locked.saved_at
    return part


def sign_part(
    part: RenewalPart,
    form: QuestionsForm,
    *,
    signed_name: str,
    way: str,
    by: User | None,
    code_at: dt.datetime | None,
) -> RenewalSignature:
    """Store a clinician's signature with what was answered and read. `form`: valid, of what is saved. Signed twice, the
    first one is kept. Raises `NotNowError`, also where the answers were changed meanwhile."""
    policy, insured = part.application.policy, part.insured
    state = state_of(policy, insured)
    with transaction.atomic():
        # The application first, as where it is submitted.
        application = RenewalApplication.objects.select_for_update(of=("self",)).get(pk=part.application_id)
        locked = RenewalPart.objects.select_for_update(of=("self",)).filter(pk=part.pk).first()
        if locked is None:
            raise NotNowError("You aren’t on this policy anymore, so there’s nothing to sign.")
        if locked.signed_at is not None:
            return RenewalSignature.objects.get(part=part)
        part.application.status = application.status
        if not takes_parts(part.application):
            raise NotNowError(GONE)
        if locked.version != part.version:
            raise NotNowError("Your answers were changed in another window. Read them again, then sign.")
        signature = RenewalSignature.objects.create(
            application_id=part.application_id,
            part=part,
            way=way,
            text="\n\n".join(part_text(policy)),
            fraud_state=state,
            fraud_warning=fraud_warning(state),
            answers=form.answers(),
            email=by.email if by else part.email,
            **_evidence(signed_name=signed_name, by=by, code_at=code_at),
        )
        RenewalPart.objects.filter(pk=part.pk).update(
            signed_at=signature.signed_at, token_withdrawn_at=signature.signed_at
        )
        RenewalApplication.objects.filter(pk=part.application_id).update(signed_count=F("signed_count") + 1)
        record_event(
            RenewalEvent.PART_SIGNED,
            subject=part.application,
            by=by,
            part=part.public_id,
            insured=part.insured_id,
            signature=signature.public_id,
            way=way,
        )
    return signature


def attest(
    application: RenewalApplication, *, signed_name: str, by: User, code_at: dt.datetime | None
) -> RenewalSignature:
    """Store the attestation of the whole application, in the caller's transaction."""
    policy = application.policy
    state = state_of(policy)
    return RenewalSignature.objects.create(
        application=application,
        way=RenewalSignature.Way.SIGN_IN,
        text="\n\n".join(attestation_text(policy)),
        fraud_state=state,
        fraud_warning=fraud_warning(state),
        email=by.email,
        **_evidence(signed_name=signed_name, by=by, code_at=code_at),
    )


def _evidence(*, signed_name: str, by: User | None, code_at: dt.datetime | None) -> dict[str, Any]:
    origin = current_origin()
    return {
        "user": by,
        "username": by.get_username() if by else "",
        "signed_name": signed_name,
        "signed_at": timezone.now(),
        "text_version": VERSION,
        "code_at": code_at,
        "ip": origin.ip,
        "agent": origin.agent,
        "session_id": origin.session_id,
        "request_id": origin.request_id,
    }


def _locked(part: RenewalPart) -> RenewalPart:
    locked = RenewalPart.objects.select_for_update(of=("self",)).filter(pk=part.pk).first()
    if locked is None:
        raise NotNowError("You aren’t on this policy anymore, so there’s nothing to fill in.")
    if locked.signed_at is not None:
        raise NotNowError("This part is signed already, so it can’t be changed.")
    if not takes_parts(part.application):
        raise NotNowError(GONE)
    return locked

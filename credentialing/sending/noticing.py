"""The words of a notice, by the company's settings, and whether it is still true when it goes out.

Never a reason, and 'cancelled' only where the company says so. Where the state wants an approved form for what states
coverage, and there is none, the notice says only that something changed (docs/spec.md#b-03).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse

from core import mail
from core.money import whole_dollars
from core.templatetags.show import day_long
from credentialing.models import CertificateForm, Delivery, Notice, wants_approved_form
from policies.eligibility import form_state
from policies.models import Coverage, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMultiAlternatives

MAIL = "holder_notice"
Kind = Notice.Kind


@dataclass(frozen=True)
class Line:
    """One notice in the mail: whom and which policy it is about, what changed, and the form that it bears."""

    about: str
    text: str
    form: str = ""


def with_all(deliveries: Sequence[Delivery]) -> dict[int, Notice]:
    """Return the notices of deliveries by their keys, with what their words need. One query."""
    rows = Notice.objects.select_related(
        "policy__company", "policy__policyholder", "coverage__insured", "coverage__term__policy__policyholder"
    )
    return rows.in_bulk({each.notice_id for each in deliveries if each.notice_id})


def still_holds(notice: Notice) -> bool:
    """Whether what it says is still so: a cure that came meanwhile takes it back before it is told."""
    policy = notice.policy
    if policy.retired_at is not None:
        return False
    match notice.kind:
        case Kind.PENDING:
            return policy.status == Policy.Status.PENDING_CANCELLATION and policy.cancellation_effective == notice.day
        case Kind.CANCELLED:
            return policy.status == Policy.Status.CANCELLED and policy.cancelled_on is not None
        case Kind.REINSTATED:
            return policy.status in (Policy.Status.ACTIVE, Policy.Status.NONRENEWED)
    coverage = notice.coverage
    return coverage is not None and coverage.retired_at is None and coverage.expires > policy.today()


def line_of(delivery: Delivery, notice: Notice) -> Line:
    """Return what one holder reads."""
    policy, coverage = notice.policy, notice.coverage
    whom = delivery.about or (coverage.insured.display_name if coverage is not None else "")
    about = ", ".join(part for part in (whom, f"policy {policy.number} of {policy.policyholder.name}") if part)
    about = about[0].upper() + about[1:]
    states = _states(notice)
    kind, today = CertificateForm.Kind.VERIFICATION, policy.today()
    forms = {state: CertificateForm.objects.serving(policy.company_id, state, kind, today) for state in states}
    if any(form is None and wants_approved_form(state) for state, form in forms.items()):
        return Line(about, "Something has changed. Please call or email us about what you hold a certificate of.")
    form = next((each for each in forms.values() if each is not None), None)
    return Line(about, _text(notice), " ".join(part for part in (str(form), form.legend) if part) if form else "")


def _states(notice: Notice) -> list[str]:
    """Return the states whose rules apply, the coverage's own, or those of everyone on the policy."""
    if notice.coverage is not None:
        return [form_state(notice.coverage)]
    covered = Coverage.objects.not_retired().filter(term__policy=notice.policy_id).exclude(insured__state="")
    of_insureds = covered.order_by().values_list("insured__state", flat=True).distinct()
    return sorted({notice.policy.policyholder.state, *of_insureds})


def _text(notice: Notice) -> str:
    policy = notice.policy
    day = policy.cancels_on(policy.today())
    match notice.kind:
        case Kind.PENDING:
            return f"Cancellation is pending for {day_long(notice.day)}."
        case Kind.CANCELLED if policy.company.says_cancelled:
            ends = policy.cancelled_on
            return f"The policy {'will be' if day else 'was'} cancelled as of {day_long(ends)}."
        case Kind.CANCELLED:
            return f"Coverage {'ends' if day else 'ended'} on {day_long(policy.cancelled_on)}."
        case Kind.REINSTATED:
            return (
                "What we told you about a cancellation no longer applies: the policy was reinstated. A new certificate "
                "follows where one can be issued."
            )
    coverage = notice.coverage
    if coverage is None:
        raise ValueError("A notice of limits without a coverage.")
    limits = f"{whole_dollars(coverage.limit_per_claim)} / {whole_dollars(coverage.limit_aggregate)}"
    return (
        f"The limits of {coverage.get_part_display().lower()} changed: from {day_long(coverage.effective)} they are "
        f"{limits} ({coverage.per_claim_label} / annual aggregate)."
    )


def message_of(deliveries: Sequence[Delivery], notices: dict[int, Notice]) -> EmailMultiAlternatives:
    """Return the mail of notices to one address."""
    lines = [line_of(each, notices[each.notice_id]) for each in deliveries if each.notice_id is not None]
    # The same change of several parts is one line.
    return mail.message(
        MAIL,
        to=deliveries[0].to,
        context=context_of(list(dict.fromkeys(lines))),
        reply_to=str(settings.SUPPORT["service"]["email"]),
    )


def context_of(lines: Sequence[Line]) -> dict[str, Any]:
    """Return what the words of the mail need."""
    return {
        "lines": [{"about": line.about, "text": line.text, "form": line.form} for line in lines],
        "service": settings.SUPPORT["service"],
        "verify": settings.PUBLIC_URL.rstrip("/") + reverse("verify:form"),
    }

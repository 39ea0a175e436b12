"""Which form a certificate or letter bears, and whether it may go out without one (docs/spec.md#forms)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentialing.models import CertificateForm, PaperRequest, wants_approved_form
from policies.eligibility import Paper, form_state

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User
    from policies.eligibility import Part
    from policies.models import Coverage


def has_form(company_id: int, state: str, *, letter: bool, day: dt.date) -> bool:
    """Whether a paper may go out in a state on a day, as far as its form is concerned; the hook of
    `policies.eligibility`."""
    if not wants_approved_form(state):
        return True
    return CertificateForm.objects.serving(company_id, state, kind_of(letter=letter), day) is not None


def form_for(coverage: Coverage, *, letter: bool, day: dt.date) -> CertificateForm | None:
    """Return the form that a paper of the coverage issued on `day` bears; None where none is on file."""
    company_id, kind = coverage.term.policy.company_id, kind_of(letter=letter)
    return CertificateForm.objects.serving(company_id, form_state(coverage), kind, day)


def ask_for_form(part: Part, *, by: User) -> PaperRequest:
    """Return the request to staff for the form that a part's paper lacks; opened, and told, once."""
    return PaperRequest.objects.ask(
        obstacle=PaperRequest.Obstacle.NO_FORM,
        coverage=part.coverage,
        state=form_state(part.coverage),
        kind=kind_of(letter=part.gives.lacks_form == Paper.LETTER),
        by=by,
    )


def kind_of(*, letter: bool) -> str:
    """Return the kind of form in the registry."""
    return CertificateForm.Kind.LETTER if letter else CertificateForm.Kind.CERTIFICATE

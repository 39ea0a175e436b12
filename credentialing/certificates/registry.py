"""Which form a certificate or letter bears, and whether it may go out without one (docs/spec.md#forms)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentialing.models import CertificateForm, wants_approved_form
from policies.eligibility import form_state

if TYPE_CHECKING:
    import datetime as dt

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


def kind_of(*, letter: bool) -> str:
    """Return the kind of form in the registry."""
    return CertificateForm.Kind.LETTER if letter else CertificateForm.Kind.CERTIFICATE

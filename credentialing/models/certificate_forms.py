"""The registry of certificate forms: which form number and legend a paper bears, by company, state, and kind."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.dates import in_force_on
from core.memo import once
from policies.models import Company
from policies.models.base import FeedQuerySet, FeedRow

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable


def wants_approved_form(state: str) -> bool:
    """Whether a state accepts certificates only on a form that was approved there (`CERTIFICATE_FORM_STATES`)."""
    return state in settings.CERTIFICATE_FORM_STATES


class Registry:
    """The forms of some companies, in memory, so that many papers are decided by one query."""

    def __init__(self, forms: Iterable[CertificateForm]) -> None:
        self._forms: defaultdict[tuple[int, str, str], list[CertificateForm]] = defaultdict(list)
        for form in sorted(forms, key=lambda form: form.effective, reverse=True):
            self._forms[form.company_id, form.state, form.kind].append(form)

    def serving(self, company_id: int, state: str, kind: str, day: dt.date) -> CertificateForm | None:
        """Return the form that a paper of this kind issued on `day` bears, or None.

        `state`: the insured's, two letters. A form of the state goes before one for all other states, and a later
        edition before an earlier one. Where the state wants an approved form (`wants_approved_form`), only a form of
        that state serves: without one, nothing may be issued there (docs/feed-format.md#certificate-forms). Elsewhere
        None means that no number is printed.
        """
        states = [state] if wants_approved_form(state) else [state, CertificateForm.ALL_OTHERS]
        for one in states:
            for form in self._forms.get((company_id, one, kind), ()):
                if in_force_on(form.effective, form.expires, day):
                    return form
        return None


class CertificateFormQuerySet(FeedQuerySet):
    """Forms of certificates. They belong to companies, not to customers."""

    def registry(self) -> Registry:
        """Return all of them that the carrier still sends. One query a request; there are few."""
        return once("certificate forms", lambda: Registry(CertificateForm.objects.not_retired().order_by()))

    def serving(self, company: Company | int, state: str, kind: str, day: dt.date) -> CertificateForm | None:
        """Return what `Registry.serving` does. `company`: the writing company, or its id."""
        return self.registry().serving(company if isinstance(company, int) else company.pk, state, kind, day)


class CertificateForm(FeedRow):
    """One edition of a form: from `effective` until the day before `expires`, if that is known.

    Key: company, state, kind, and effective. Some states count a letter and the answer to a verification among
    certificates, whatever their title; so each kind has forms of its own.
    """

    class Kind(models.TextChoices):
        """The papers that may need a form."""

        CERTIFICATE = "certificate", "Certificate of insurance"
        LETTER = "letter", "Letter of past coverage"
        VERIFICATION = "verification", "Answer to a verification"
        CLAIMS_HISTORY = "claims_history", "Claims history"

    # The state of a form for all states that have none of their own.
    ALL_OTHERS = ""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="certificate_forms")
    state = models.CharField(max_length=2, blank=True, default=ALL_OTHERS, help_text="Empty: all other states.")
    kind = models.CharField(max_length=15, choices=Kind)
    form_number = models.CharField(max_length=60)
    edition = models.CharField(max_length=40, blank=True, default="")
    effective = models.DateField()
    expires = models.DateField(null=True, blank=True)
    legend = models.TextField(blank=True, default="")

    objects = CertificateFormQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(expires=None) | Q(expires__gt=F("effective")), name="credentialing_certificateform_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.form_number} ({self.edition})" if self.edition else self.form_number

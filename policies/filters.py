"""What the list of policies can be narrowed to (S-34: by number, policyholder or status)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import django_filters
from django import forms
from django.db.models import Exists, OuterRef

from core.dates import carrier_today
from policies.models import Policy, Term
from policies.standing import RENEWAL_WINDOW_DAYS

if TYPE_CHECKING:
    from policies.models.policy import PolicyQuerySet
    from policies.models.term import TermQuerySet

IN_FORCE, ENDING = "in_force", "ending"
# In the order of their tabs; a policy whose cancellation is pending is still in force.
STATUSES = [
    (IN_FORCE, "Active"),
    (ENDING, f"Ending within {RENEWAL_WINDOW_DAYS} days"),
    (Policy.Status.PENDING_CANCELLATION.value, "Pending cancellation"),
    (Policy.Status.PENDING.value, "Pending"),
    (Policy.Status.CANCELLED.value, "Cancelled"),
    (Policy.Status.EXPIRED.value, "Expired"),
    (Policy.Status.NONRENEWED.value, "Nonrenewed"),
]


class PolicyFilter(django_filters.FilterSet):
    """`?q=` a number in any spelling or a name, `?status=` one of `STATUSES`; both empty: all that one sees."""

    q = django_filters.CharFilter(
        method="by_text",
        max_length=100,
        error_messages={"max_length": "Search for at most %(limit_value)d characters."},
        widget=forms.TextInput,
    )
    status = django_filters.ChoiceFilter(
        choices=STATUSES,
        method="by_status",
        error_messages={"invalid_choice": "Choose one of the statuses above."},
    )

    class Meta:
        model = Policy
        fields: list[str] = []

    def by_text(self, policies: PolicyQuerySet, _name: str, text: str) -> PolicyQuerySet:
        """Number, policyholder, or an insured whom the user may know of."""
        return policies.search(text, by=self.request.user)

    def by_status(self, policies: PolicyQuerySet, _name: str, status: str) -> PolicyQuerySet:
        """The carrier's status, 'in force' for the two that are, or terms about to end."""
        if status == IN_FORCE:
            return policies.filter(status__in=Policy.IN_FORCE)
        if status == ENDING:
            return policies.filter(Exists(_ending_terms()), status__in=Policy.IN_FORCE)
        return policies.filter(status=status)


def _ending_terms() -> TermQuerySet:
    today = carrier_today()
    return Term.objects.live().filter(
        policy=OuterRef("pk"),
        status=Term.Status.BOUND,
        effective__lte=today,
        expires__gt=today,
        expires__lte=today + dt.timedelta(days=RENEWAL_WINDOW_DAYS),
    )

"""What the list of coverages can be narrowed to (S-34: by number, policyholder or insured; by status)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from django import forms
from django.contrib.postgres.search import SearchQuery
from django.db.models import Q

from core.dates import carrier_today
from policies.models import Coverage, Insured, Policy, Policyholder, Term
from policies.names import fold, normalize_number

if TYPE_CHECKING:
    from policies.models.coverage import CoverageQuerySet

ACTIVE, ENDED, ALL = "active", "ended", "all"
# In the order of their tabs. Expired, nonrenewed and pending have their place and their name.
STATUSES = [
    (ACTIVE, "Active"),
    (Policy.Status.CANCELLED.value, "Cancelled"),
    (Policy.Status.EXPIRED.value, "Expired"),
    (Policy.Status.NONRENEWED.value, "Nonrenewed"),
    (Policy.Status.PENDING.value, "Pending"),
    (ENDED, "Past terms"),
    (ALL, "All"),
]


class CoverageFilter(django_filters.FilterSet):
    """`?q=` a policy number in any spelling or a name, `?status=` one of `STATUSES` (active where none is given)."""

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
        model = Coverage
        fields: list[str] = []

    def by_text(self, coverages: CoverageQuerySet, _name: str, text: str) -> CoverageQuerySet:
        """Number, policyholder, or the insured's own name; every word the beginning of one of the name's."""
        words = fold(text).split()
        if not words:
            return coverages.none() if text.strip() else coverages
        query = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
        number = normalize_number(text)
        by_number = Q(term__policy__number_normalized__startswith=number) if number else Q(pk__in=[])
        return coverages.filter(
            by_number
            | Q(term__policy__policyholder__in=Policyholder.objects.filter(search=query))
            | Q(insured__in=Insured.objects.filter(search=query))
        )

    def by_status(self, coverages: CoverageQuerySet, _name: str, status: str) -> CoverageQuerySet:
        """The policy's status; 'active': in force or bound to come; 'past terms': what ended before its policy."""
        running = Q(term__policy__status__in=Policy.IN_FORCE)
        if status == ALL:
            return coverages
        if status == ACTIVE:
            return coverages.filter(running, term__status=Term.Status.BOUND, expires__gt=carrier_today())
        if status == ENDED:
            over = Q(expires__lte=carrier_today()) | Q(term__status__in=(Term.Status.EXPIRED, Term.Status.CANCELLED))
            return coverages.filter(running & over)
        if status == Policy.Status.PENDING:
            offered = (Term.Status.OFFERED, Term.Status.ACCEPTED)
            return coverages.filter(Q(term__policy__status=status) | running & Q(term__status__in=offered))
        return coverages.filter(term__policy__status=status)

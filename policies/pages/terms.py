"""The terms of several policies, each with the user's own coverages in it: one statement for a page of policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import FilteredRelation, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from policies.models import Insured
from policies.models.coverage import know_segments
from policies.models.details import details_as_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.models import Coverage, Term
    from policies.models.term import TermQuerySet

# What an insured is called by, for `Insured.display_name` and `sort_name`; and the state, whose rules on certificates
# apply.
NAMES = ("kind", "name", "first_name", "middle_name", "last_name", "suffix", "credential", "specialty", "state")
NAMES_AS_JSON = JSONObject(**{name: name for name in NAMES})


@dataclass(frozen=True, slots=True)
class TermsByPolicy:
    """Terms, and one's own coverages in them, by the policy's id; both in the order of `with_own`."""

    terms: dict[int, list[Term]]
    own: dict[int, list[Coverage]]


def with_own(terms: TermQuerySet, insured_ids: Any) -> TermQuerySet:
    """Return the terms, the latest first, with these insureds' coverages as `own`: a row for each, the latest first.

    A term that they have no coverage in is one row.
    """
    own = Q(coverages__insured_id__any=insured_ids, coverages__retired_at=None)
    joined = terms.annotate(own=FilteredRelation("coverages", condition=own)).select_related("own")
    return joined.order_by("-effective", "-id", "-own__expires", "own__part", "own__id")


def with_names(terms: TermQuerySet) -> TermQuerySet:
    """Return the rows of `with_own` with the names of the insured, whom Django can't join to a filtered relation."""
    insured = Insured.objects.filter(pk=OuterRef("own__insured_id"))
    return terms.annotate(own_insured=Subquery(insured.values_list(NAMES_AS_JSON)))


def with_details(terms: TermQuerySet) -> TermQuerySet:
    """Return the rows of `with_own` with the details of the coverage."""
    return terms.annotate(own_details=details_as_json("own__"))


def by_policy(policy_ids: Iterable[int], rows: Iterable[Term]) -> TermsByPolicy:
    """Sort the rows of `with_own`, or plain terms, by policy; the coverages come with their segments."""
    terms: dict[int, dict[int, Term]] = {pk: {} for pk in policy_ids}
    own: dict[int, list[Coverage]] = {pk: [] for pk in terms}
    for row in rows:
        terms[row.policy_id].setdefault(row.pk, row)
        coverage = getattr(row, "own", None)
        if coverage is not None:
            names = getattr(row, "own_insured", None)
            if names is not None:
                coverage.insured = Insured(pk=coverage.insured_id, **names)
            coverage.detail_rows = getattr(row, "own_details", None)
            own[row.policy_id].append(coverage)
    for coverages in own.values():
        know_segments(coverages)
    return TermsByPolicy({pk: list(of_policy.values()) for pk, of_policy in terms.items()}, own)

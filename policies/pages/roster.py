"""The roster of a policy's page: one term's coverages, searched and paged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models

from core.keyset import KeysetPage, first_page, keyset_page
from core.money import whole_dollars
from core.search import name_query
from core.statements import prepared
from core.templatetags.show import day
from core.urls import address_for
from policies.eligibility import has_form_for, judge
from policies.freshness import data_as_of
from policies.models import Coverage
from policies.models.details import details_as_json
from policies.names import fold
from policies.pages.facts import Facts, facts_of
from policies.pages.papers import PaperLink, paper_links
from policies.words import lower_first

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from policies.eligibility import Eligibility
    from policies.models import Term
    from policies.models.coverage import CoverageQuerySet

# As a roster is read: by last name (or an entity's own), then first name; along an index that begins with the term.
ORDER = ("sort_key", "id")
ROSTER_SIZE = 20
PARTS, FORMS = dict(Coverage.Part.choices), dict(Coverage.Form.choices)
ROSTER_FIELDS = (
    "public_id",
    "sort_key",
    "term_id",
    "insured_id",
    "part",
    "form",
    "retroactive_date",
    "full_prior_acts",
    "limit_per_claim",
    "limit_aggregate",
    "limit_basis",
    "limits_shared",
    "limits_shared_with",
    "defense",
    "deductible",
    "deductible_basis",
    "effective",
    "expires",
    "specialty",
    "scope",
    "locum",
    "states",
    "site",
    "cost_center",
    "continues_id",
    "endorsement_text",
    "fund",
    "fund_limits",
    "ended_reason",
    # The state is for its rules on certificates.
    *(f"insured__{name}" for name in ("public_id", "state", "kind", "name", "first_name", "middle_name", "last_name")),
    *(f"insured__{name}" for name in ("suffix", "credential")),
)


class RosterRow(NamedTuple):
    """A coverage as the roster shows it, in words: the template has nothing left to look up or to decide.

    `now`: what isn't covered today. `facts`: what belongs to the coverage.
    """

    name: str
    href: str
    about: str
    now: list[str]
    part: str
    form: str
    facts: Facts
    more_about: str
    retroactive: str
    limits: str
    limits_note: str
    paper: PaperLink | None


@dataclass(frozen=True, slots=True)
class Roster:
    """One page of a term's coverages, each over all its segments."""

    page: KeysetPage[Coverage]
    rows: list[RosterRow]
    q: str


def roster_of(request: HttpRequest, term: Term, *, issues: bool, tails: bool) -> Roster:
    """Return a page of the term's coverages by name: up to 5,000, so paged by key and searched by the database.

    `issues`: whether the user may create certificates. `tails`: whether they may see tails.
    """
    today = term.policy.today()
    shown_on = term.shown_on(today)
    q = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    first = None if q else partial(_first_page, term_id=term.pk, day=shown_on)
    # As it opens, the roster needs no queryset: its SQL is written already.
    opens = first is not None and not any(map(request.GET.get, ("after", "before")))
    coverages = Coverage.objects.none() if opens else _coverages(term.pk, shown_on)
    name = name_query(fold(q).split())
    if name is not None:
        coverages = coverages.filter(insured__search=name)
    elif q:
        coverages = coverages.none()
    page = keyset_page(coverages, request, order=ORDER, size=ROSTER_SIZE, first=first)
    for coverage in page.rows:
        coverage.term = term
    paper = paper_links()
    address = address_for("policies:insured")
    as_of = data_as_of(term.policy.source)
    papers = [paper(c, _gives(c, today, as_of)) if issues else None for c in page.rows]
    rows = [_row(c, today, address, link, tails=tails) for c, link in zip(page.rows, papers, strict=True)]
    return Roster(page, rows, q)


def _gives(coverage: Coverage, today: dt.date, as_of: dt.datetime | None) -> Eligibility:
    return judge(coverage, today=today, as_of=as_of, has_form=partial(has_form_for, coverage))


def _coverages(term_id: int, on: Any) -> CoverageQuerySet:
    """Return a term's coverages, one for each chain of segments, with what a row needs."""
    coverages = Coverage.objects.not_retired().filter(term_id=term_id).leading_on(on).select_related("insured")
    return coverages.only(*ROSTER_FIELDS).annotate(detail_rows=details_as_json())


@prepared(term_id=models.BigIntegerField(), day=models.DateField())
def _first_page(*, term_id: int, day: dt.date) -> QuerySet[Coverage]:
    return first_page(_coverages(term_id, day), order=ORDER, size=ROSTER_SIZE)


def _row(
    coverage: Coverage, today: dt.date, address: Callable[[str], str], paper: PaperLink | None, *, tails: bool
) -> RosterRow:
    c, term = coverage, coverage.term
    starts, ends = c.period
    facts = facts_of(c, today, whole=True, tails=tails)
    notes = [
        f"{c.per_claim_label} / aggregate",
        "shared" if c.limits_shared else "",
        f"deductible {whole_dollars(c.deductible)}" if c.deductible else "",
    ]
    about = [
        c.specialty,
        "" if (starts, ends) == (term.effective, term.ends) else f"{day(starts)} – {day(ends)}",
        f"Ended: {lower_first(c.ended_reason)}" if c.ended_reason else "",
    ]
    return RosterRow(
        name=c.insured.display_name,
        href=address(c.insured.public_id),
        about=" · ".join(filter(None, about)),
        now=facts.now,
        part=PARTS[c.part],
        form=FORMS[c.form],
        facts=facts,
        more_about=f"{c.insured.display_name}, {PARTS[c.part]}",
        retroactive=c.retroactive_text,
        limits=f"{whole_dollars(c.limit_per_claim)} / {whole_dollars(c.limit_aggregate)}",
        limits_note=", ".join(filter(None, notes)),
        paper=paper,
    )

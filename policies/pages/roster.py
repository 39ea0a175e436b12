"""The roster of a policy's page: one term's coverages, searched and paged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.db import models

from core.keyset import KeysetPage, first_page, keyset_page
from core.money import whole_dollars
from core.search import name_query
from core.statements import prepared
from core.templatetags.show import day
from policies.eligibility import judge_now
from policies.models import Coverage
from policies.names import fold
from policies.pages.papers import PaperLink, paper_links
from policies.words import lower_first

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

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
    "deductible",
    "effective",
    "expires",
    "specialty",
    "endorsement_text",
    "fund",
    "fund_limits",
    "ended_reason",
    *(
        f"insured__{name}"
        for name in ("kind", "name", "first_name", "middle_name", "last_name", "suffix", "credential")
    ),
)


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A coverage as the roster shows it, in words: the template has nothing left to look up or to decide.

    `more`: fund and endorsements, named by `more_label`.
    """

    name: str
    about: str
    part: str
    form: str
    more: list[str]
    more_label: str
    retroactive: str
    limits: str
    limits_note: str
    paper: PaperLink | None


@dataclass(frozen=True, slots=True)
class Roster:
    """One page of a term's coverages."""

    page: KeysetPage[Coverage]
    rows: list[RosterRow]
    q: str


def roster_of(request: HttpRequest, term: Term, *, issues: bool) -> Roster:
    """Return a page of the term's coverages by name: up to 5,000, so paged by key and searched by the database.

    `issues`: whether the user may create certificates.
    """
    q = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    coverages = _coverages(term.pk)
    name = name_query(fold(q).split())
    if name is not None:
        coverages = coverages.filter(insured__search=name)
    elif q:
        coverages = coverages.none()
    first = None if q else partial(_first_page, term_id=term.pk)
    page = keyset_page(coverages, request, order=ORDER, size=ROSTER_SIZE, first=first)
    for coverage in page.rows:
        coverage.term = term
    paper = paper_links()
    rows = [_row(c, term, paper(c, judge_now(c)) if issues else None) for c in page.rows]
    return Roster(page, rows, q)


def _coverages(term_id: int) -> CoverageQuerySet:
    """Return a term's coverages, each with what a row needs."""
    coverages = Coverage.objects.not_retired().filter(term_id=term_id).select_related("insured")
    return coverages.only(*ROSTER_FIELDS).with_segments()


@prepared(term_id=models.BigIntegerField())
def _first_page(*, term_id: int) -> QuerySet[Coverage]:
    return first_page(_coverages(term_id), order=ORDER, size=ROSTER_SIZE)


def _more_label(*, has_fund: bool, endorsements: int) -> str:
    """Return what a row opens to: "Fund and 2 endorsements", "1 endorsement", "Fund"."""
    counted = f"{endorsements} endorsement{'' if endorsements == 1 else 's'}" if endorsements else ""
    return " and ".join(filter(None, ("Fund" if has_fund else "", counted)))


def _row(coverage: Coverage, term: Term, paper: PaperLink | None) -> RosterRow:
    c = coverage
    whole_term = c.effective == term.effective and c.expires == term.expires
    fund = f"{c.fund}: {c.fund_limits}" if c.fund and c.fund_limits else c.fund
    notes = [
        f"{c.per_claim_label} / aggregate",
        "shared" if c.limits_shared else "",
        f"deductible {whole_dollars(c.deductible)}" if c.deductible else "",
    ]
    about = [
        c.specialty,
        "" if whole_term else f"{day(c.effective)} – {day(c.expires)}",
        f"Ended: {lower_first(c.ended_reason)}" if c.ended_reason else "",
    ]
    return RosterRow(
        name=c.insured.display_name,
        about=" · ".join(filter(None, about)),
        part=PARTS[c.part],
        form=FORMS[c.form],
        more=[fund, *c.endorsement_list] if fund else c.endorsement_list,
        more_label=_more_label(has_fund=bool(fund), endorsements=len(c.endorsement_list)),
        retroactive=c.retroactive_text,
        limits=f"{whole_dollars(c.limit_per_claim)} / {whole_dollars(c.limit_aggregate)}",
        limits_note=", ".join(filter(None, notes)),
        paper=paper,
    )

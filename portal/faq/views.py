"""The FAQ (S-16), open to everyone: the index with its answers, and each entry at an address of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.guards import SignIn, sign_in_of, subject_of
from core.filters import LONGEST_SEARCH
from core.listing import Tab
from policies.models import Company, Membership, Policy, reach_of
from portal.faq.answers import Answer, published, search
from portal.models import FaqEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

MINE, ALL = "mine", "all"


@dataclass(frozen=True, slots=True)
class Section:
    """A topic with its answers."""

    key: str
    title: str
    answers: list[Answer]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the questions by topic with their answers, for an audience (`?for=`, `?company=`), or those that a search
    finds (`?q=`)."""
    everything = list(published().values())
    companies = sorted({name for answer in everything for name in answer.companies})
    audience = _audience(request)
    company = request.GET.get("company", "")
    company = company if company in companies else ""
    answers = _narrowed(request, everything, audience, company)
    q = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    context = {
        "q": q,
        "found": search(answers, q) if q else None,
        "sections": _sections(answers),
        "tabs": _tabs(request, audience, q=q, company=company),
        "companies": companies,
        "company": company,
        "audience": audience,
    }
    return render(request, "portal/faq.html", context)


@require_safe
def entry(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one entry with those it refers to. 404 where it isn't published."""
    answers = published()
    answer = answers.get(slug)
    if answer is None:
        raise Http404("no such entry")
    # Both ways: who reads one of the two may want the other.
    near = [one for one in answers.values() if one.slug in answer.related or slug in one.related]
    context = {"answer": answer, "related": near, "crumbs": [("FAQ", reverse("faq"))]}
    return render(request, "portal/faq_entry.html", context)


def _signed_in(request: HttpRequest) -> bool:
    return sign_in_of(request) is SignIn.FULL and bool(reach_of(subject_of(request)))


def _audience(request: HttpRequest) -> str:
    """Return for whom the page is: a role, everyone, or the user's own roles."""
    wanted = request.GET.get("for", "")
    offered = {ALL, *Membership.Role.values} | ({MINE} if _signed_in(request) else set())
    default = MINE if MINE in offered else ALL
    return wanted if wanted in offered else default


def _narrowed(request: HttpRequest, answers: Iterable[Answer], audience: str, company: str) -> list[Answer]:
    if audience == ALL and not company:
        return list(answers)
    roles: Iterable[str] = Membership.Role.values if audience == ALL else [audience]
    companies = [company] if company else None
    if audience == MINE:
        user = subject_of(request)
        roles = reach_of(user).roles
        if companies is None and any(answer.companies for answer in answers):
            theirs = Company.objects.filter(pk__in=Policy.objects.visible_to(user).values("company_id"))
            companies = list(theirs.values_list("name", flat=True))
    return [answer for answer in answers if answer.is_for(list(roles), companies)]


def _sections(answers: list[Answer]) -> list[Section]:
    by_topic = [
        Section(topic.value, topic.label, [answer for answer in answers if answer.topic == topic])
        for topic in FaqEntry.Topic
    ]
    return [section for section in by_topic if section.answers]


def _tabs(request: HttpRequest, audience: str, *, q: str, company: str) -> list[Tab]:
    own = [(MINE, "For you")] if _signed_in(request) else []
    roles = [(value, f"{label}s") for value, label in Membership.Role.choices]
    query = {name: value for name, value in (("q", q), ("company", company)) if value}
    return [
        Tab(label, "?" + urlencode({"for": value, **query}), value == audience)
        for value, label in [*own, (ALL, "Everyone"), *roles]
    ]

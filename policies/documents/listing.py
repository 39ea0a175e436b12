"""What the pages of documents show: the policies to choose from, and a policy's documents by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q
from django.http import Http404

from core.keyset import KeysetPage, keyset_page
from core.listing import Tab, query_with
from policies.documents.reading import of_policy, open_to, titled
from policies.models import Document, Policy, Term
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from accounts.models import User
    from policies.models.documents import DocumentQuerySet

ORDER = ("-issued", "-id")
POLICY_ORDER = ("number_normalized", "id")
SIZE = 50
ALL, ACCOUNT, UNREAD = "all", "account", "unread"
LONGEST_SEARCH = 100
TOO_LONG = f"Enter up to {LONGEST_SEARCH} characters."


@dataclass(frozen=True, slots=True)
class Choice:
    """What a policy's page of documents is narrowed to."""

    term: str
    kind: str
    text: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        kind = query.get("kind", "")
        return cls(
            query.get("term", "").strip(),
            kind if kind in Document.Kind.values else "",
            " ".join(query.get("q", "").split()),
        )

    @property
    def fault(self) -> str:
        """What is wrong with the search, if anything."""
        return TOO_LONG if len(self.text) > LONGEST_SEARCH else ""

    @property
    def is_searched(self) -> bool:
        return bool(self.text or self.kind)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A policy's documents as one page of them: `tabs` of its terms, `kinds` with the chosen one."""

    page: KeysetPage[Any]
    tabs: list[Tab]
    kinds: list[tuple[str, str, bool]]
    choice: Choice
    where: str
    unread: int

    @property
    def query(self) -> dict[str, str]:
        """What a form sends along to select everything that is found."""
        return {"term": self.where, "kind": self.choice.kind, "q": self.choice.text}


def shelf_of(request: HttpRequest, policy: Policy, rows: DocumentQuerySet) -> Shelf:
    """Return the page of a policy's documents that the request asks for. Raises Http404 for a term of another's."""
    choice = Choice.of(request.GET)
    mine = of_policy(rows, policy)
    terms = policy.terms_on_file
    counts = mine.order_by().aggregate(
        unread=Count("pk", filter=Q(is_read=False)),
        account=Count("pk", filter=Q(policy=None)),
    )
    named = _named(policy, terms)
    where = choice.term or (named[0][0] if named else ALL)
    found = Document.objects.none() if choice.fault else narrowed(mine, policy, where, choice)
    tabs = [Tab(label, query_with(request.GET, term=key), key == where) for key, label in named]
    if counts["account"]:
        tabs.append(Tab("Billing account", query_with(request.GET, term=ACCOUNT), where == ACCOUNT))
    if counts["unread"]:
        tabs.append(Tab(f"Unread ({counts['unread']})", query_with(request.GET, term=UNREAD), where == UNREAD))
    tabs.append(Tab("All", query_with(request.GET, term=ALL), where == ALL))
    kinds = [(code, str(label), code == choice.kind) for code, label in Document.Kind.choices]
    page = keyset_page(found.select_related("term"), request, order=ORDER, size=SIZE, count=True)
    return Shelf(page, tabs, kinds, choice, where, counts["unread"])


def narrowed(mine: DocumentQuerySet, policy: Policy, where: str, choice: Choice) -> DocumentQuerySet:
    """Return what a choice finds among a policy's documents. Raises Http404 for a term that isn't the policy's."""
    if where == ACCOUNT:
        mine = mine.filter(policy=None)
    elif where == UNREAD:
        mine = mine.filter(is_read=False)
    elif where != ALL:
        term = next((each for each in policy.terms_on_file if each.public_id == where), None)
        if term is None:
            raise Http404("no such term of this policy")
        mine = mine.filter(_of_term(term))
    if choice.kind:
        mine = mine.filter(kind=choice.kind)
    return titled(mine, choice.text)


def _of_term(term: Term) -> Q:
    """Return the condition on a term's documents: the carrier's word, or else the day within it."""
    issued = Q(term=None, policy__isnull=False, issued__gte=term.effective, issued__lt=term.expires)
    return Q(term=term) | issued


def _named(policy: Policy, terms: list[Term]) -> list[tuple[str, str]]:
    """Return the current, the renewal, and the previous term with what they are called, the current first."""
    today = policy.today()
    begun = [term for term in terms if term.effective <= today and term.status in Term.TAKEN_UP]
    ahead = [
        term
        for term in terms
        if term.effective > today and term.status not in (Term.Status.DECLINED, Term.Status.CANCELLED)
    ]
    named: list[tuple[str, str]] = []
    if begun:
        runs = begun[0].expires > today and not policy.has_ended(today)
        named.append((begun[0].public_id, _label("Current term" if runs else "Last term", begun[0])))
    named += [(term.public_id, _label("Renewal" if begun else "First term", term)) for term in reversed(ahead)]
    if len(begun) > 1:
        named.append((begun[1].public_id, _label("Previous term", begun[1])))
    return named


def _label(name: str, term: Term) -> str:
    return f"{name}, {term.effective:%Y}–{term.expires:%y}" if term.effective.year != term.expires.year else name


def policies_page(user: User, request: HttpRequest) -> KeysetPage[Any]:
    """Return a page of the policies whose documents the user may have, by number."""
    reach = reach_with(user, Capability.VIEW_DOCUMENTS)
    mine = Policy.objects.not_retired().filter(reach.policies()) if reach else Policy.objects.none()
    return keyset_page(mine.select_related("policyholder"), request, order=POLICY_ORDER, count=True)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search finds in the documents of all policies."""

    text: str
    fault: str
    page: KeysetPage[Any]


def found_documents(user: User, request: HttpRequest) -> Search | None:
    """Return what the request searches for; None where it doesn't."""
    choice = Choice.of(request.GET)
    if not choice.text:
        return None
    rows = Document.objects.none() if choice.fault else titled(open_to(user), choice.text)
    page = keyset_page(rows.select_related("policy__policyholder"), request, order=ORDER, size=SIZE, count=True)
    return Search(choice.text, choice.fault, page)

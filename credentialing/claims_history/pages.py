"""What the pages of claims histories show: whom to choose, what a paper will hold, and whom to authorize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings

from claims.models import Claim
from core.dates import carrier_today
from core.events import record_many, subject_label
from core.listing import Tab
from core.models import Event
from core.search import name_query
from credentialing.claims_history.access import CAPABILITY, subjects_of
from credentialing.claims_history.authorizing import Recipient
from credentialing.claims_history.forms import YEARS
from credentialing.claims_history.sheet import Sheet
from credentialing.claims_history.snapshot import NotIssuableError, histories
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Authorization, CarrierHolder, ClaimsPaper, Holder
from credentialing.models.authorizations import window_name
from policies.models import Agency, AgentOfRecord, Coverage, Insured, Membership, Policyholder, reach_of
from policies.names import fold
from policies.rights import reach_with

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from django.db.models import Model

    from accounts.models import User
    from credentialing.claims_history.access import Subject
    from policies.models.parties import InsuredQuerySet

# Chosen at once: one page of the list.
MOST_AT_ONCE = 25
# Own matters that the page lists; an insured has few.
MOST_CLAIMS = 100
# So many histories show what they will hold at once; more open on demand.
SHOWN_OPEN = 3
RECENT = 5
MOST_USES = 100


def insureds_to_choose(user: User, text: str) -> InsuredQuerySet:
    """Return the insureds on the policies that the user may have histories from, by name."""
    managed = reach_with(user, CAPABILITY).only(Membership.Role.POLICYHOLDER, Membership.Role.AGENT)
    found = Insured.objects.not_retired()
    if not managed:
        return found.none()
    coverages = Coverage.objects.open_to(managed.scope).order_by()
    found = found.filter(pk__in=coverages.values("insured_id"))
    if not text.strip():
        return found
    query = name_query(fold(text).split())
    return found.filter(search=query) if query is not None else found.none()


def own_subjects(user: User) -> list[Subject]:
    """Return the user's own histories, one for each company."""
    return [one for one in subjects_of(user, reach_of(user).insured_ids) if one.is_own]


def others(user: User, insureds: Sequence[Insured]) -> list[Subject]:
    """Return the histories of others among these insureds."""
    return [one for one in subjects_of(user, [insured.pk for insured in insureds]) if not one.is_own]


def own_claims(user: User) -> list[Claim]:
    """Return the user's own incidents, claims, and suits, the latest reported first."""
    claims = Claim.objects.own_of(user).select_related("policy").order_by("-report_date", "number", "pk")
    return list(claims[:MOST_CLAIMS])


@dataclass(frozen=True)
class Preview:
    """What one history will hold, or why there is none. `reason`: the sentence for that."""

    subject: Subject
    sheet: Sheet | None
    reason: str = ""
    needs_staff: bool = False
    is_open: bool = True


def previews(subjects: Sequence[Subject], years: int | None) -> list[Preview]:
    """Return what each history will hold, as far as the user may read it."""
    readable = [one for one in subjects if one.may_read(years)]
    found = histories(readable, years=years, purpose="", holder=None, grounds={}, today=carrier_today())
    rows = []
    for subject in subjects:
        shown = len(subjects) <= SHOWN_OPEN
        snapshot = found.get(subject.key)
        if snapshot is None:
            rows.append(Preview(subject, None, subject.ground(years, None).refusal))
        elif isinstance(snapshot, NotIssuableError):
            rows.append(Preview(subject, None, str(snapshot), needs_staff=True))
        else:
            rows.append(Preview(subject, Sheet(snapshot), is_open=shown))
    return rows


def record_reading(shown: Sequence[Preview], *, years: int | None) -> None:
    """Record on whose authorization the user has read what: the insured sees it with the authorization."""
    lines: list[tuple[Model, Model | None, dict[str, Any]]] = [
        (given, given.given_by, {"authorization": given.public_id, "years": years})
        for one in shown
        if one.sheet and (given := one.subject.read_on(years))
    ]
    if lines:
        record_many(ClaimsPaperEvent.READ, lines)


@dataclass(frozen=True)
class Use:
    """One use of an authorization: who read the history, or had it made for whom."""

    at: dt.datetime
    who: str
    what: str
    detail: str = ""


def uses_of(authorization: Authorization) -> list[Use]:
    """Return who used an authorization, the latest first: histories issued on it, and readings of what they would
    hold."""
    found = [
        Use(
            at=paper.issued_at,
            who=paper.issued_by.get_full_name() or paper.issued_by.get_username(),
            what=f"Created {paper.serial}, {paper.window.lower()}",
            detail=paper.holder_name,
        )
        for paper in authorization.papers.select_related("issued_by")[:MOST_USES]
    ]
    read = Event.objects.filter(
        tag=ClaimsPaperEvent.READ,
        subject_type=subject_label(authorization),
        subject_id=str(authorization.pk),
    )
    found += [Use(at=event.at, who=event.actor_name, what="Read it here") for event in read[:MOST_USES]]
    return sorted(found, key=lambda use: use.at, reverse=True)[:MOST_USES]


def window_tabs(query: list[tuple[str, str]], chosen: str) -> list[Tab]:
    """Return a tab for each window. `query`: the rest of the address."""
    return [
        Tab(window_name(years), "?" + urlencode([*query, ("years", name)]), name == chosen)
        for name, years in YEARS.items()
    ]


def latest_papers(user: User) -> list[ClaimsPaper]:
    """Return the latest histories and loss runs that the user sees."""
    return list(ClaimsPaper.objects.visible_to(user).with_names()[:RECENT])


@dataclass(frozen=True)
class Choices:
    """Whom an insured may authorize by a code: parties (code, label, recipient); holders come by their own code."""

    parties: list[tuple[str, str, Recipient]]

    def find(self, code: str, *, user: User, membership: Membership) -> Recipient | None:
        """Return the recipient of a code, None where the insured may not name it."""
        for known, _, recipient in self.parties:
            if known == code:
                return recipient
        kind, _, public_id = code.partition(".")
        if kind != "holder":
            return None
        holder = Holder.objects.in_books_of([membership]).filter(public_id=public_id).first()
        return Recipient(holder=holder) if holder else None


def choices_for(user: User, insured: Insured) -> Choices:
    """Return the policyholders of the insured's coverage, the agencies of record of those policies today, and the
    holders on file that get papers of the insured."""
    coverages = Coverage.objects.not_retired().filter(insured=insured, term__policy__retired_at=None)
    policies = coverages.order_by().values("term__policy_id")
    found: list[tuple[str, str, Recipient]] = []
    for policyholder in Policyholder.objects.not_retired().filter(policies__in=policies).distinct().order_by("name"):
        if policyholder.insured_id != insured.pk:
            label = f"{policyholder.name}, your policyholder"
            found.append((f"policyholder.{policyholder.public_id}", label, Recipient(policyholder=policyholder)))
    in_office = AgentOfRecord.objects.today().filter(policy__in=policies).values("agency_id")
    found += [
        (f"agency.{agency.public_id}", f"{agency.name}, the agent of record", Recipient(agency=agency))
        for agency in Agency.objects.not_retired().filter(pk__in=in_office).order_by("name")
    ]
    for holder in CarrierHolder.objects.visible_to(user).order_by("name"):
        where = ", ".join(part for part in (holder.city, holder.state) if part)
        label = f"{holder.name} ({where})" if where else holder.name
        found.append((f"on-file.{holder.public_id}", label, Recipient(holder=holder)))
    return Choices(found)


def own_places(user: User) -> list[Membership]:
    """Return the memberships by which the user is an insured."""
    return [m for m in reach_with(user, CAPABILITY).memberships if m.role == Membership.Role.INSURED]


def who_lacks_switch(user: User) -> bool:
    """Whether the user manages policies, without access to claims histories on any of them."""
    managed = (Membership.Role.POLICYHOLDER, Membership.Role.AGENT)
    return bool(reach_of(user).only(*managed)) and not reach_with(user, CAPABILITY).only(*managed)


def months_in_words() -> str:
    """Return how long an authorization holds: '24 months'."""
    return f"{settings.AUTHORIZATION_MONTHS} months"

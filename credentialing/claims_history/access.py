"""Whose claims history a user may have, and on what ground (docs/spec.md#b-05).

    the insured               their own, all of it
    a policyholder, an agent  with the membership's switch, and with the insured's authorization or the carrier's rule;
                              as far as that policyholder's policies go

An authorization names whom it is for. One for a policyholder or an agency opens the history to its people, for whatever
holder; one for a holder, only a history that is made out to that holder. A holder on file that gets certificates and
no claims histories (the standing holder's switch) is given one only where the insured's authorization names it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings

from core.dates import carrier_today
from core.templatetags.show import day_long
from credentialing.models import Authorization, OwnStandingHolder, StandingHolder
from credentialing.models.authorizations import covers_window
from policies.models import AgentOfRecord, Company, Coverage, Insured, Membership, Policy, Policyholder, Term
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from accounts.models import User
    from credentialing.models import Holder
    from policies.models import Reach

CAPABILITY = Capability.VIEW_CLAIMS_HISTORY
# What a subject is known by: insured, company, and whose policies; of one's own, no policyholder.
Key = tuple[int, int, int | None]


@dataclass(frozen=True)
class Ground:
    """Why a history may be given, or in a sentence why not. `authorization`: the one that it rests on."""

    authorization: Authorization | None = None
    refusal: str = ""

    @property
    def allows(self) -> bool:
        return not self.refusal


@dataclass
class Subject:
    """One insured's history with one company, as one of the user's memberships reaches it.

    `policyholder`: whose policies it is limited to; None of one's own history. `coverages`: the latest first.
    `authorizations`: those in effect that concern it. `covered_by_rule`: the carrier's rule asks for none.
    """

    insured: Insured
    company: Company
    policyholder: Policyholder | None
    membership: Membership
    coverages: list[Coverage] = field(default_factory=list)
    authorizations: list[Authorization] = field(default_factory=list)
    covered_by_rule: bool = False

    @property
    def key(self) -> Key:
        return (self.insured.pk, self.company.pk, self.policyholder.pk if self.policyholder else None)

    @property
    def code(self) -> str:
        """The key as a form sends it: public ids, and a digest for the company, which has none."""
        named = f"{self.company.source}:{self.company.external_id}"
        ids = [self.insured.public_id, hashlib.sha256(named.encode()).hexdigest()[:12]]
        return ".".join([*ids, self.policyholder.public_id] if self.policyholder else ids)

    @property
    def is_own(self) -> bool:
        """Whether the insured asks."""
        return self.policyholder is None

    def ground(self, years: int | None, holder: Holder | None, *, off: Collection[str] = ()) -> Ground:
        """Return on what ground a history of so many years may be made out to `holder` (None: to whom it may concern).

        `off`: fingerprints of the holders on file that get no claims histories of this insured (`switched_off`).
        """
        if self.is_own:
            return Ground()
        for_holder = [one for one in self.authorizations if holder and one.holder_fingerprint == holder.fingerprint]
        if found := _covering(for_holder, years):
            return Ground(found)
        if holder is not None and holder.fingerprint in off:
            return Ground(
                refusal=f"{holder.name} gets certificates, but no claims histories. Ask {self.name} for an "
                "authorization that names it."
            )
        to_party = [one for one in self.authorizations if not one.holder_fingerprint]
        found = _covering(to_party, years)
        if found or self.covered_by_rule:
            return Ground(found)
        return Ground(refusal=self._what_is_missing(for_holder + to_party))

    def _what_is_missing(self, given: Sequence[Authorization]) -> str:
        """Return why no authorization covers what is asked."""
        if not given:
            return f"{self.name} hasn’t authorized this."
        widest = max(given, key=lambda one: one.years or 0)
        return (
            f"{self.name}’s authorization covers {widest.window.lower()}. Choose a shorter window, or ask for another "
            "authorization."
        )

    def may_read(self, years: int | None) -> bool:
        """Whether the user may read what a history of so many years holds, no matter whom it is made out to."""
        return self.is_own or self.covered_by_rule or self.read_on(years) is not None

    def read_on(self, years: int | None) -> Authorization | None:
        """Return the authorization on which the user may read it."""
        return _covering(self.authorizations, years)

    @property
    def name(self) -> str:
        """The insured's name."""
        return self.insured.display_name

    @property
    def standing(self) -> str:
        """What there is, for the list: 'Authorized until March 1, 2028 (10 years)'."""
        if self.is_own:
            return "Your own"
        if self.covered_by_rule:
            return "No authorization needed"
        if not self.authorizations:
            return "No authorization"
        best = max(self.authorizations, key=lambda one: (not one.holder_fingerprint, one.years or 1000, one.expires_on))
        whom = f" for {best.holder_name}" if best.holder_fingerprint else ""
        return f"Authorized{whom} until {day_long(best.expires_on)} ({best.window.lower()})"

    @property
    def is_open(self) -> bool:
        """Whether there is any history that the user may have of it."""
        return self.is_own or self.covered_by_rule or bool(self.authorizations)

    @property
    def widest(self) -> int | None:
        """The longest window that the user may have."""
        if self.is_own or self.covered_by_rule or any(one.years is None for one in self.authorizations):
            return None
        return max((one.years for one in self.authorizations if one.years), default=None)


def subjects_of(user: User, insured_ids: Iterable[int]) -> list[Subject]:
    """Return the histories of some insureds that the user's memberships lead to, by name of the insured.

    Those too that wait for an authorization: `Subject.ground` judges. Three queries at most, however many insureds:
    coverages, agents of record (for agents), and authorizations.
    """
    return subjects_in(reach_with(user, CAPABILITY), insured_ids)


def subjects_in(reach: Reach, insured_ids: Iterable[int]) -> list[Subject]:
    """Return the same for a part of a user's reach, such as one membership; all of it has the right."""
    if not reach:
        return []
    ids = list(insured_ids)
    coverages = Coverage.objects.open_to(reach.scope).filter(insured_id__any=ids, insured__retired_at=None)
    today = carrier_today()
    taken_up = coverages.with_policy().filter(term__status__in=Term.TAKEN_UP, effective__lte=today)
    taken_up = taken_up.exclude(term__policy__status=Policy.Status.PENDING)
    known = [one for one in taken_up.order_by("-effective", "part", "pk") if one.ends > one.effective]
    subjects = _by_subject(reach, known)
    _let_know_authorizations(subjects)
    return sorted(
        subjects.values(),
        key=lambda one: (
            one.insured.sort_key,
            one.insured.pk,
            one.company.name,
            one.policyholder.name if one.policyholder else "",
        ),
    )


def _place(subject: Subject) -> tuple[str, int, str, str]:
    """Return where a subject is in a list by name."""
    under = subject.policyholder.name if subject.policyholder else ""
    return (subject.insured.sort_key, subject.insured.pk, subject.company.name, under)


def _by_subject(reach: Reach, coverages: Sequence[Coverage]) -> dict[Key, Subject]:
    own = {m.insured_id: m for m in reach.memberships if m.role == Membership.Role.INSURED}
    holding = {m.policyholder_id: m for m in reach.memberships if m.role == Membership.Role.POLICYHOLDER}
    serving = _agents_by_policy(reach, {one.term.policy_id for one in coverages})
    found: dict[Key, Subject] = {}
    for coverage in coverages:
        policy = coverage.term.policy
        by = own.get(coverage.insured_id) or holding.get(policy.policyholder_id) or serving.get(policy.pk)
        if by is None:
            continue
        policyholder = None if by.role == Membership.Role.INSURED else policy.policyholder
        subject = Subject(coverage.insured, policy.company, policyholder, by)
        subject.covered_by_rule = policy.company.external_id in settings.CLAIMS_HISTORY_WITHOUT_AUTHORIZATION
        found.setdefault(subject.key, subject).coverages.append(coverage)
    return found


def _agents_by_policy(reach: Reach, policy_ids: Collection[int]) -> dict[int, Membership]:
    """Return the membership by which an agent reaches each policy. One query, for agents only."""
    if not reach.agency_ids:
        return {}
    by_agency = {m.agency_id: m for m in reach.memberships if m.role == Membership.Role.AGENT}
    in_office = AgentOfRecord.objects.today().filter(policy_id__any=list(policy_ids), agency_id__any=reach.agency_ids)
    return {one.policy_id: by_agency[one.agency_id] for one in in_office.order_by("starts", "pk")}


def _let_know_authorizations(subjects: dict[Key, Subject]) -> None:
    """Give each subject of others the authorizations that concern it. One query."""
    asked = [one for one in subjects.values() if not one.is_own]
    if not asked:
        return
    by_insured: defaultdict[int, list[Authorization]] = defaultdict(list)
    insured_ids = sorted({one.insured.pk for one in asked})
    for given in Authorization.objects.in_effect().filter(insured_id__any=insured_ids).order_by("-given_at", "-pk"):
        by_insured[given.insured_id].append(given)
    for subject in asked:
        party = (subject.membership.policyholder_id, subject.membership.agency_id)
        subject.authorizations = [
            given
            for given in by_insured[subject.insured.pk]
            if given.holder_fingerprint or (given.policyholder_id, given.agency_id) == party
        ]


def _covering(given: Iterable[Authorization], years: int | None) -> Authorization | None:
    """Return the authorization that covers a window, the one that holds longest of several."""
    covering = [one for one in given if covers_window(one.years, years)]
    return max(covering, key=lambda one: (one.expires_on, one.pk), default=None)


def switched_off(subjects: Sequence[Subject], holder: Holder | None) -> dict[Key, set[str]]:
    """Return, for each subject, the fingerprint of `holder` where it is a standing holder of this insured that gets no
    claims histories: the carrier's switch says so, or the own party's. Neither overrules the other. Two queries, or
    none without a holder."""
    return switched_off_for(subjects, [] if holder is None else [holder])


def switched_off_for(subjects: Sequence[Subject], holders: Iterable[Holder]) -> dict[Key, set[str]]:
    """Return the same for several holders at once. Two queries, or none without a holder."""
    off: dict[Key, set[str]] = {subject.key: set() for subject in subjects}
    asked = {holder.pk: holder.fingerprint for holder in holders}
    if not asked:
        return off
    policies = {coverage.term.policy_id for subject in subjects for coverage in subject.coverages}
    brought = StandingHolder.objects.not_retired().filter(
        holder__fingerprint__in=set(asked.values()), holder__retired_at=None, policy_id__any=list(policies)
    )
    chosen = OwnStandingHolder.objects.in_effect().filter(holder__in=list(asked), policy_id__any=list(policies))
    for rows in (brought, chosen):
        standing: defaultdict[int, list[tuple[str, int | None, bool]]] = defaultdict(list)
        found = rows.order_by().values_list("policy_id", "holder__fingerprint", "insured_id", "claims_history")
        for policy, fingerprint, insured, on in found:
            standing[policy].append((fingerprint, insured, on))
        for subject in subjects:
            switches: defaultdict[str, list[bool]] = defaultdict(list)
            for policy in {coverage.term.policy_id for coverage in subject.coverages}:
                for fingerprint, insured, on in standing[policy]:
                    if insured in (None, subject.insured.pk):
                        switches[fingerprint].append(on)
            off[subject.key] |= {fingerprint for fingerprint, set_to in switches.items() if not any(set_to)}
    return off


def chosen_subjects(user: User, codes: Collection[str]) -> list[Subject]:
    """Return the subjects that a form names by `Subject.code`; those that the user doesn't reach aren't there."""
    public_ids = [code.split(".")[0] for code in codes]
    known = Insured.objects.not_retired().filter(public_id__in=public_ids)
    wanted = set(codes)
    return [one for one in subjects_of(user, known.values_list("pk", flat=True)) if one.code in wanted]

"""All standing arrangements in one form: those that the feed brings, and those that customers choose (B-03).

What sends something to standing holders asks here, for many policies at once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from core.dates import carrier_today
from credentialing.models import CarrierHolder, Holder, OwnStandingHolder, StandingHolder
from policies.models import AgentOfRecord, Membership, Policy
from policies.names import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from accounts.models import User
    from credentialing.models.on_file import Asks
    from policies.models import Coverage

ADDRESS = ("name", "address1", "address2", "city", "state", "zip")
Party = tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class Arrangement:
    """One holder that gets certificates of a policy without being asked.

    `key` is stable: `feed:…` or `own:…` with the row's public id. `insured_id`: None is everyone on the policy.
    `party`: whose arrangement it is, as the keys of insured, policyholder, and agency; None of the feed's, which the
    policyholder, its agent, and the insured concerned see. `also`: keys of arrangements that are the same holder's for
    the same coverage (`once_each`). `asks`: the row with what it asks of a certificate.
    """

    key: str
    policy_id: int
    insured_id: int | None
    holder: Holder | CarrierHolder
    asks: Asks
    renewals: bool
    notices: bool
    claims_history: bool
    party: Party | None = None
    email: str = ""
    also: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.holder.name

    @property
    def address_lines(self) -> list[str]:
        """The lines of an envelope below the name."""
        return self.holder.address_lines

    @property
    def fingerprint(self) -> str:
        """The digest of name and address: the same holder has the same in every book and on file."""
        return self.holder.fingerprint

    @property
    def is_own(self) -> bool:
        """Whether a customer chose it in the portal."""
        return self.party is not None

    def concerns(self, coverage: Coverage) -> bool:
        """Whether it gets the certificates of a coverage that comes with its term."""
        return self.policy_id == coverage.term.policy_id and self.insured_id in (None, coverage.insured_id)


def arrangements_of(
    policy_ids: Iterable[int], *, user: User | None = None, insured_ids: Collection[int] | None = None
) -> list[Arrangement]:
    """Return every arrangement in effect of some policies, the feed's first. Four queries.

    `insured_ids`: only those for everyone, and those that name one of these. `user`: only those that this user sees.
    Without one, it is for sending: never show the result to a customer, who must not learn of another party's holders.
    """
    ids = sorted(set(policy_ids))
    if not ids:
        return []
    own = OwnStandingHolder.objects.in_effect() if user is None else OwnStandingHolder.objects.visible_to(user)
    sent = (
        StandingHolder.objects.filter(policy__retired_at=None)
        if user is None
        else StandingHolder.objects.visible_to(user)
    )
    of_policies = Q(policy_id__any=ids)
    if insured_ids is not None:
        of_policies &= Q(insured=None) | Q(insured_id__any=sorted(insured_ids))
    chosen = list(own.filter(of_policies).select_related("holder").order_by("pk"))
    there = sent.not_retired().filter(of_policies, holder__retired_at=None)
    brought = list(there.select_related("holder__same_as").order_by("pk"))
    on_file = on_file_by_print({row.holder.fingerprint for row in chosen})
    emails = _emails_on_file(on_file)
    return [
        *(_of_feed(row) for row in brought),
        *(_of_own(row, on_file.get(row.holder.fingerprint), emails) for row in chosen),
    ]


def arrangements_for(coverages: Sequence[Coverage], *, user: User | None = None) -> dict[int, list[Arrangement]]:
    """Return the arrangements of each coverage by its key, each holder once, by name. Four queries, however many.

    `coverages` come with their terms.
    """
    by_policy: defaultdict[int, list[Arrangement]] = defaultdict(list)
    insureds = {coverage.insured_id for coverage in coverages}
    for one in arrangements_of({coverage.term.policy_id for coverage in coverages}, user=user, insured_ids=insureds):
        by_policy[one.policy_id].append(one)
    return {
        coverage.pk: once_each(one for one in by_policy[coverage.term.policy_id] if one.concerns(coverage))
        for coverage in coverages
    }


def once_each(arrangements: Iterable[Arrangement]) -> list[Arrangement]:
    """Return each holder of one coverage's arrangements once, by name: the same name and address is the same holder.

    Renewals and notices are on if they are on in any of them; claims histories only if they are on in all. The feed's
    comes before customers' own, and its email address goes before theirs: nobody diverts what the carrier sends.
    """
    found: dict[str, Arrangement] = {}
    for one in arrangements:
        first = found.get(one.fingerprint)
        found[one.fingerprint] = one if first is None else _joined(first, one)
    return sorted(found.values(), key=lambda one: (one.holder.search_name, one.key))


def _joined(first: Arrangement, other: Arrangement) -> Arrangement:
    return replace(
        first,
        renewals=first.renewals or other.renewals,
        notices=first.notices or other.notices,
        claims_history=first.claims_history and other.claims_history,
        email=first.email or other.email,
        also=(*first.also, other.key, *other.also),
    )


def _emails_on_file(prints: Iterable[str]) -> dict[str, str]:
    """Return the email address on file of each fingerprint. One query, or none."""
    wanted = sorted(prints)
    if not wanted:
        return {}
    rows = CarrierHolder.objects.not_retired().filter(fingerprint__in=wanted).exclude(email="").order_by("-pk")
    return dict(rows.values_list("fingerprint", "email"))


def _of_own(row: OwnStandingHolder, on_file: CarrierHolder | None, emails: Mapping[str, str]) -> Arrangement:
    holder = row.holder
    return Arrangement(
        key=f"own:{row.public_id}",
        policy_id=row.policy_id,
        insured_id=row.insured_id,
        holder=holder,
        asks=on_file if on_file is not None and on_file.asks_for_something else holder,
        renewals=row.renewals,
        notices=row.notices,
        claims_history=row.claims_history,
        party=(holder.insured_id, holder.policyholder_id, holder.agency_id),
        email=emails.get(holder.fingerprint) or holder.email,
    )


def _of_feed(row: StandingHolder) -> Arrangement:
    return Arrangement(
        key=f"feed:{row.public_id}",
        policy_id=row.policy_id,
        insured_id=row.insured_id,
        holder=row.holder.kept,
        asks=row.holder.kept,
        renewals=row.renewals,
        notices=row.notices,
        claims_history=row.claims_history,
        email=row.holder.kept.email or row.holder.email,
    )


def on_file_by_print(prints: Iterable[str]) -> dict[str, CarrierHolder]:
    """Return the holder on file of each fingerprint, one that asks for something before others. One query, or none."""
    wanted = sorted(set(prints))
    if not wanted:
        return {}
    rows = CarrierHolder.objects.not_retired().filter(fingerprint__in=wanted).select_related("same_as").order_by("pk")
    found: dict[str, CarrierHolder] = {}
    for row in rows:
        there = found.get(row.fingerprint)
        if there is None or (row.kept.asks_for_something and not there.asks_for_something):
            found[row.fingerprint] = row.kept
    return found


# Issuing what nobody asked for: by whose membership, and to which entry of its address book.


def issuers_of(arrangements: Sequence[Arrangement]) -> dict[str, Membership]:
    """Return, by key, the membership that certificates of an arrangement are issued by; nothing where there is none in
    effect. Four queries at most. Its `user` issues: `by=membership.user`.

    A customer's own: of the same party. The feed's: of the policyholder; else of the insured that it names; else of the
    agency of record. An administrator's own access goes before what was given to a delegate.
    """
    policies = Policy.objects.in_bulk({one.policy_id for one in arrangements}) if arrangements else {}
    agents: defaultdict[int, list[int]] = defaultdict(list)
    appointments = AgentOfRecord.objects.today().filter(policy_id__any=list(policies)).order_by("starts", "pk")
    for appointment in appointments if policies else ():
        agents[appointment.policy_id].append(appointment.agency_id)
    parties = {one.key: _parties(one, policies[one.policy_id], agents[one.policy_id]) for one in arrangements}
    members = _members_of({party for each in parties.values() for party in each})
    return {
        key: found
        for key, ranked in parties.items()
        if (found := next((members[party] for party in ranked if party in members), None)) is not None
    }


def _parties(one: Arrangement, policy: Policy, agency_ids: Sequence[int]) -> list[Party]:
    if one.party is not None:
        return [one.party]
    named: list[Party] = [(one.insured_id, None, None)] if one.insured_id else []
    return [(None, policy.policyholder_id, None), *named, *((None, None, agency) for agency in agency_ids)]


def _members_of(parties: set[Party]) -> dict[Party, Membership]:
    """Return the first membership in effect of each party that may issue certificates."""
    if not parties:
        return {}
    insureds, policyholders, agencies = (sorted({p[n] for p in parties if p[n]}) for n in range(3))  # type: ignore[type-var]
    of_parties = Q(insured_id__any=insureds) | Q(policyholder_id__any=policyholders) | Q(agency_id__any=agencies)
    rows = Membership.objects.filter(
        of_parties, revoked_at=None, given_under=None, named_only=False, user__is_active=True
    )
    today = carrier_today()
    found: dict[Party, Membership] = {}
    for row in rows.select_related("user").order_by("-administrator", "pk"):
        if row.is_in_effect(today) and not row.user.is_of_staff:
            found.setdefault((row.insured_id, row.policyholder_id, row.agency_id), row)
    return found


def holders_for(wanted: Iterable[tuple[Arrangement, Membership]]) -> dict[tuple[str, int], Holder]:
    """Return the entry of each membership's address book that certificates of an arrangement are made out to, by the
    arrangement's key and the membership's; what isn't there yet is added. Three statements, however many.

    Nobody typed these, so they don't count toward a user's limit.
    """
    pairs = list(wanted)
    missing = [(one, by) for one, by in pairs if not _is_entry(one.holder, by)]
    found = {
        (one.key, by.pk): one.holder
        for one, by in pairs
        if isinstance(one.holder, Holder) and _is_entry(one.holder, by)
    }
    if not missing:
        return found
    entries = _entries({by for _, by in missing}, {one.fingerprint for one, _ in missing})
    new = {
        (_party_of(by), one.fingerprint): _entry(one.holder, by)
        for one, by in missing
        if (_party_of(by), one.fingerprint) not in entries
    }
    if new:
        # Another one may add the same at the same moment.
        Holder.objects.bulk_create(list(new.values()), ignore_conflicts=True, batch_size=1000)
        entries = _entries({by for _, by in missing}, {one.fingerprint for one, _ in missing})
    return found | {(one.key, by.pk): entries[_party_of(by), one.fingerprint] for one, by in missing}


def _party_of(membership: Membership) -> Party:
    return membership.insured_id, membership.policyholder_id, membership.agency_id


def _is_entry(holder: Holder | CarrierHolder, by: Membership) -> bool:
    return isinstance(holder, Holder) and holder.is_in_book_of(by)


def _entries(memberships: Iterable[Membership], prints: Iterable[str]) -> dict[tuple[Party, str], Holder]:
    """Return the entries of some books by party and fingerprint; one that was merged gives what took its place."""
    by = list(memberships)
    parties = Q(pk__in=[])
    for each in by:
        parties |= Q(insured=each.insured_id, policyholder=each.policyholder_id, agency=each.agency_id)
    rows = Holder.objects.filter(parties, fingerprint__in=sorted(set(prints))).select_related("merged_into")
    return {
        ((row.insured_id, row.policyholder_id, row.agency_id), row.fingerprint): row.merged_into or row for row in rows
    }


def _entry(holder: Holder | CarrierHolder, by: Membership) -> Holder:
    typed = {name: getattr(holder, name) for name in ADDRESS}
    insured_id, policyholder_id, agency_id = _party_of(by)
    return Holder(
        **typed,
        insured_id=insured_id,
        policyholder_id=policyholder_id,
        agency_id=agency_id,
        email=holder.email,
        fingerprint=holder.fingerprint,
        search_name=fold(holder.name)[:400],
        created_by=by.user,
        last_used_at=timezone.now(),
    )

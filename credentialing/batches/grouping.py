"""Coverages grouped by holder, and the holders beneath each insured (S-35): standing ones, and those already issued
to by the user's own parties."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Value

from core.search import name_query
from credentialing.batches.choosing import ref_of
from credentialing.holders.standing import arrangements_of
from credentialing.models import CarrierHolder, Certificate, Holder
from credentialing.models.holders import of_own_party
from policies.models import reach_of
from policies.names import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from policies.models import Coverage

# Holders of one page, and beneath one insured.
PAGE = 25
MOST_BENEATH = 6


@dataclass(frozen=True)
class Beneath:
    """A holder under an insured. `pair` is what the form sends for both."""

    name: str
    pair: str
    standing: bool


@dataclass(frozen=True)
class Under:
    """The holders under one insured, and how many more there are."""

    shown: list[Beneath] = field(default_factory=list)
    more: int = 0


def beneath(coverages: Sequence[Coverage], user: User) -> dict[int, Under]:
    """Return the holders of each coverage of a page, by its key. Five queries at most."""
    if not coverages:
        return {}
    standing = _standing(coverages, user)
    issued = _issued(coverages, user)
    found = {}
    for coverage in coverages:
        policy, insured = coverage.term.policy_id, coverage.insured_id
        of_policy = [*standing.get((policy, None), ()), *standing.get((policy, insured), ())]
        by_print = {holder.fingerprint: holder for holder in reversed(of_policy)}
        # The own entry goes before the one on file: it's the same holder.
        by_print |= {holder.fingerprint: holder for holder in issued.get(insured, ())}
        holders = sorted(by_print.values(), key=lambda holder: (holder.search_name, holder.pk))
        prints = {holder.fingerprint for holder in of_policy}
        shown = [
            Beneath(holder.name, f"{coverage.public_id}~{ref_of(holder)}", holder.fingerprint in prints)
            for holder in holders[:MOST_BENEATH]
        ]
        found[coverage.pk] = Under(shown, len(holders) - len(shown))
    return found


def _standing(coverages: Sequence[Coverage], user: User) -> dict[tuple[int, int | None], list[Holder | CarrierHolder]]:
    insureds = {coverage.insured_id for coverage in coverages}
    found: defaultdict[tuple[int, int | None], list[Holder | CarrierHolder]] = defaultdict(list)
    for one in arrangements_of({coverage.term.policy_id for coverage in coverages}, user=user, insured_ids=insureds):
        found[one.policy_id, one.insured_id].append(one.holder)
    return found


def _issued(coverages: Sequence[Coverage], user: User) -> dict[int, list[Holder]]:
    insureds = {coverage.insured_id for coverage in coverages}
    own = Certificate.objects.filter(of_own_party(reach_of(user).scope, "membership__"))
    rows = own.filter(coverage__insured_id__any=list(insureds)).exclude(holder=None).order_by()
    pairs = list(rows.values_list("coverage__insured_id", "holder_id").distinct())
    holders = Holder.objects.visible_to(user).in_bulk({holder for _, holder in pairs})
    found: defaultdict[int, list[Holder]] = defaultdict(list)
    for insured, holder in pairs:
        if holder in holders:
            found[insured].append(holders[holder])
    return found


@dataclass(frozen=True)
class HolderGroup:
    """A holder as the head of a group: everyone that it gets certificates of."""

    ref: str
    name: str
    address: str


def groups_of(user: User, text: str, page: int) -> tuple[list[HolderGroup], int]:
    """Return one page of the user's holders by name, those whose name the text finds, and how many there are.

    Those of the own address books, and standing ones that aren't in them. Each name and address once. The database
    orders them and counts; only those of the page are read.
    """
    own, on_file = Holder.objects.visible_to(user).order_by(), CarrierHolder.objects.visible_to(user).order_by()
    on_file = on_file.exclude(fingerprint__in=own.values("fingerprint"))
    if (query := name_query(fold(text).split())) is not None:
        own, on_file = own.filter(search=query), on_file.filter(search=query)
    kinds = [_once(own).annotate(kind=Value("own")), _once(on_file).annotate(kind=Value("file"))]
    named = [holders.values_list("search_name", "kind", "pk") for holders in kinds]
    every = named[0].union(named[1], all=True)
    shown = list(every.order_by("search_name", "kind", "pk")[(page - 1) * PAGE : page * PAGE])
    rows: dict[tuple[str, int], Holder | CarrierHolder] = {}
    for kind, model in (("own", Holder), ("file", CarrierHolder)):
        found = model.objects.filter(pk__in=[pk for _, of, pk in shown if of == kind])
        rows |= {(kind, holder.pk): holder for holder in found}
    return [_group(rows[kind, pk]) for _, kind, pk in shown if (kind, pk) in rows], every.count()


def _once(holders: Any) -> Any:
    """Return one of each name and address."""
    return holders.model.objects.filter(
        pk__in=holders.order_by("fingerprint", "pk").distinct("fingerprint").values("pk")
    ).order_by()


def _group(holder: Holder | CarrierHolder) -> HolderGroup:
    return HolderGroup(ref_of(holder), holder.name, ", ".join(holder.address_lines))

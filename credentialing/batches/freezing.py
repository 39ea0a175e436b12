"""Settling a batch's items: one for each insured, term, and holder, in an order that stays."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from credentialing.batches import histories
from credentialing.batches.choosing import Selection, count_of, holder_by_ref, targets_of
from credentialing.batches.requirements import Requirements
from credentialing.holders import book
from credentialing.holders.standing import arrangements_of
from credentialing.models import Batch, BatchItem, Certificate, Holder
from credentialing.models.holders import of_own_party
from policies.models import Reach

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from accounts.models import User
    from credentialing.batches.choosing import Target
    from credentialing.batches.histories import HistoryChoice
    from credentialing.models import CarrierHolder
    from policies.models import Membership


@dataclass(frozen=True)
class HolderChoice:
    """Who gets the certificates of what was chosen without a holder: to whom it may concern, each one's standing
    holders, each one's holders already issued to, and these."""

    concern: bool = False
    standing: bool = False
    issued: bool = False
    holders: tuple[Holder, ...] = ()


class TooLargeError(Exception):
    """More certificates than one batch may hold; the message says how many."""


def freeze(
    batch: Batch,
    choice: HolderChoice,
    *,
    by: User,
    delivery: str,
    about: dt.date | None = None,
    history: HistoryChoice | None = None,
) -> int:
    """Settle the items of a draft once more and return how many there are. `about`: another day of the term than today;
    `history`: the insureds' claims histories come with the certificates.

    Raises `TooLargeError`, and then leaves the batch as it was. Judging here is for the page that shows what will
    come; each certificate is judged again when it's issued.
    """
    selection = Selection.of(batch.selection)
    # Where everyone gets one the size is known beforehand: neither read too many nor look for their holders.
    _check_size(count_of(selection, user=by, membership=batch.membership))
    targets = targets_of(selection, user=by, membership=batch.membership, about=about)
    with transaction.atomic():
        holders = _Holders(targets, choice, user=by, membership=batch.membership)
        wanted = [(target, holder) for target in targets for holder in holders.of(target)]
        _check_size(len(wanted))
        current = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if not current.is_draft:
            return current.total
        asked = Requirements({holder for _, holder in wanted}, [target.coverage for target in targets])
        items = [
            BatchItem(
                batch=batch,
                place=place,
                coverage=target.coverage,
                holder=holder,
                kind=target.gives.kind,
                reason=target.gives.reason[:400],
                complaints=asked.complaints(holder, target.coverage, target.gives),
            )
            for place, (target, holder) in enumerate(wanted)
        ]
        if history is not None:
            histories.add_to(items, history, by=by, membership=batch.membership)
        batch.items.all().delete()
        BatchItem.objects.bulk_create(items, batch_size=1000)
        Batch.objects.filter(pk=batch.pk).update(
            total=len(wanted),
            delivery=delivery,
            about=about,
            papers=Batch.Papers.WITH_HISTORIES if history else Batch.Papers.CERTIFICATES,
            history_years=history.years if history else None,
            history_purpose=history.purpose if history else "",
        )
    batch.refresh_from_db()
    return batch.total


def _check_size(number: int) -> None:
    most = settings.CERTIFICATES_PER_BATCH
    if number > most:
        raise TooLargeError(f"A batch can hold {most:,} certificates, and this would be {number:,}. Narrow the search.")


class _Holders:
    """The holders of each target, by name. Standing ones that aren't in the party's address book yet are added."""

    def __init__(self, targets: Sequence[Target], choice: HolderChoice, *, user: User, membership: Membership) -> None:
        self._choice = choice
        self._user = user
        self._membership = membership
        self._kept: dict[str, Holder] = {}
        self._by_ref = {ref: self._own(ref) for ref in {ref for target in targets for ref in target.refs}}
        open_targets = [target for target in targets if target.is_open]
        self._standing = self._find_standing(open_targets) if choice.standing and open_targets else {}
        self._issued = self._find_issued(open_targets) if choice.issued and open_targets else {}

    def of(self, target: Target) -> list[Holder | None]:
        """Return the target's holders, each once; None is to whom it may concern, and comes first."""
        found = {holder.pk: holder for ref in target.refs if (holder := self._by_ref[ref]) is not None}
        concern = False
        if target.is_open:
            concern = self._choice.concern
            coverage = target.coverage
            policy = coverage.term.policy_id
            of_target = [
                *self._choice.holders,
                *self._standing.get((policy, None), ()),
                *self._standing.get((policy, coverage.insured_id), ()),
                *self._issued.get(coverage.insured_id, ()),
            ]
            found |= {holder.pk: holder for holder in of_target}
        ordered = sorted(found.values(), key=lambda holder: (holder.search_name, holder.pk))
        return [*([None] if concern else []), *ordered]

    def _own(self, ref: str) -> Holder | None:
        holder = holder_by_ref(ref, user=self._user, membership=self._membership)
        return holder if isinstance(holder, Holder | None) else self._keep(holder)

    def _find_standing(self, targets: Sequence[Target]) -> dict[tuple[int, int | None], list[Holder]]:
        policies = {target.coverage.term.policy_id for target in targets}
        insureds = {target.coverage.insured_id for target in targets}
        found: defaultdict[tuple[int, int | None], list[Holder]] = defaultdict(list)
        for one in arrangements_of(policies, user=self._user, insured_ids=insureds):
            if isinstance(one.holder, Holder):
                # Of another of the user's parties: this one's certificates don't go there.
                if one.holder.is_in_book_of(self._membership):
                    found[one.policy_id, one.insured_id].append(one.holder)
            else:
                found[one.policy_id, one.insured_id].append(self._keep(one.holder))
        return found

    def _find_issued(self, targets: Sequence[Target]) -> dict[int, list[Holder]]:
        scope = Reach((self._membership,)).scope
        insureds = {target.coverage.insured_id for target in targets}
        rows = (
            Certificate.objects.filter(of_own_party(scope, "membership__"), coverage__insured_id__any=list(insureds))
            .exclude(holder=None)
            .order_by()
            .values_list("coverage__insured_id", "holder_id")
            .distinct()
        )
        found: defaultdict[int, list[Holder]] = defaultdict(list)
        pairs = list(rows)
        holders = Holder.objects.in_books_of([self._membership]).in_bulk({holder for _, holder in pairs})
        for insured, holder in pairs:
            if holder in holders:
                found[insured].append(holders[holder])
        return found

    def _keep(self, on_file: CarrierHolder) -> Holder:
        """Return the same holder in the party's address book, added where it isn't there."""
        if on_file.fingerprint not in self._kept:
            self._kept[on_file.fingerprint] = _keep(on_file, by=self._user, membership=self._membership)
        return self._kept[on_file.fingerprint]


def _keep(on_file: CarrierHolder, *, by: User, membership: Membership) -> Holder:
    typed = {name: getattr(on_file, name) for name in (*book.ADDRESS, "email")}
    return book.put(by=by, membership=membership, typed=typed)


def counts_of(batch: Batch) -> dict[str, int]:
    """Return how many items will give a certificate, a letter, or nothing, how many a holder will reject, and how many
    claims histories will come or be refused. One query."""
    gives = ~Q(kind="")
    letter = Q(kind=Certificate.Kind.PAST_COVERAGE)
    counts: dict[str, int] = batch.items.order_by().aggregate(
        certificates=Count("pk", filter=gives & ~letter),
        letters=Count("pk", filter=letter),
        nothing=Count("pk", filter=~gives),
        rejected=Count("pk", filter=~Q(complaints=[])),
        histories=Count("pk", filter=Q(wants_history=True, history_reason="")),
        unavailable=Count("pk", filter=Q(wants_history=True) & ~Q(history_reason="")),
    )
    return counts

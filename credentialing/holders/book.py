"""A party's address book: add, change, remove, and merge holders, and find those that look the same.

None of this changes what was issued: a certificate holds a copy of its holder's name and address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from core.events import record_event
from core.search import query_of
from credentialing.certificates import issuing
from credentialing.events import HolderEvent
from credentialing.models import CarrierHolder, Holder, OwnStandingHolder
from policies.names import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from policies.models import Membership

ADDRESS = ("name", "address1", "address2", "city", "state", "zip")
NOTED = (
    *("email", "phone", "minimum_per_claim", "minimum_aggregate"),
    *("separate_limits", "tail_required", "days_ahead"),
)
SWITCHES = ("renewals", "notices", "claims_history")
# Words that half of all hospitals have in their name tell nothing.
COMMON = frozenset(
    "the of and for a at in center medical hospital health healthcare clinic group system systems care plan "
    "inc llc pllc pc corp department office services saint st".split()
)
# How much of the words of two names is the same in names that look alike.
ALIKE = 0.5
MOST_SIMILAR = 5
LOOKED_AT = 200


class SameHolderError(Exception):
    """The address book has a holder of this name and address already: `holder`."""

    def __init__(self, holder: Holder) -> None:
        super().__init__("Your address book has this holder already.")
        self.holder = holder


def add(*, by: User, membership: Membership, typed: dict[str, Any]) -> tuple[Holder, bool]:
    """Return the holder of that name and address in the book of the membership's party, and whether it is new there.
    What it asks for is noted; on one that was there already, where it had nothing. Raises `limits.TooManyError`."""
    with transaction.atomic():
        address = {name: typed[name] for name in ADDRESS}
        fingerprint = Holder(**address).fingerprint_now()
        is_new = not Holder.objects.in_books_of([membership]).filter(fingerprint=fingerprint).exists()
        kept = issuing.keep_holder(by=by, membership=membership, **address)
        holder = Holder.objects.select_for_update().get(pk=kept.pk)
        _fill(holder, typed)
        holder.save(update_fields=NOTED)
    return holder, is_new


def put(*, by: User, membership: Membership, typed: dict[str, Any]) -> Holder:
    """Return the entry of that name and address in the book of the membership's party, added where it isn't there, or
    back where it was removed. Nobody typed it into the book, so it doesn't count toward a user's limit."""
    address = {name: typed[name] for name in ADDRESS}
    party = {
        "insured_id": membership.insured_id,
        "policyholder_id": membership.policyholder_id,
        "agency_id": membership.agency_id,
    }
    more = {"email": typed.get("email", ""), "search_name": fold(address["name"])[:400], "created_by": by}
    kept, _ = Holder.objects.get_or_create(
        **party, fingerprint=Holder(**address).fingerprint_now(), defaults={**address, **more}
    )
    return kept.back_in_book()


def change(holder: Holder, *, by: User, typed: dict[str, Any]) -> bool:
    """Store a holder's new name, address, and what it asks for; returns whether anything changed. Raises
    `SameHolderError` where the book has another one of this name and address."""
    with transaction.atomic():
        locked = Holder.objects.select_for_update().get(pk=holder.pk)
        before = {name: getattr(locked, name) for name in (*ADDRESS, *NOTED)}
        for name in ADDRESS:
            setattr(locked, name, typed[name])
        for name in NOTED:
            setattr(locked, name, typed[name])
        changed = [name for name, was in before.items() if getattr(locked, name) != was]
        if not changed:
            return False
        locked.fingerprint = locked.fingerprint_now()
        locked.search_name = fold(locked.name)[:400]
        try:
            with transaction.atomic():
                locked.save()
        except IntegrityError:
            raise SameHolderError(_same(locked)) from None
        # What changed is enough for the log: the values name third parties.
        record_event(HolderEvent.CHANGED, subject=locked, by=by, fields=changed)
    return True


def remove(holder: Holder, *, by: User) -> bool:
    """Take a holder out of its book and end its standing arrangements; False where it was out already."""
    now = timezone.now()
    with transaction.atomic():
        if not Holder.objects.filter(pk=holder.pk, removed_at=None).update(removed_at=now):
            return False
        ended = OwnStandingHolder.objects.not_ended().filter(holder=holder).update(ended_at=now, ended_by=by)
        record_event(HolderEvent.REMOVED, subject=holder, by=by, standing_ended=ended)
    return True


def merge(duplicate: Holder, *, into: Holder, by: User) -> bool:
    """Let one entry take the place of another of the same book: its standing arrangements, and what it noted where the
    other has nothing. False where one of them is out of the book by now.

    What was issued keeps naming the duplicate.
    """
    if duplicate.pk == into.pk or _party(duplicate) != _party(into):
        raise ValueError("Two different holders of one address book are merged.")
    with transaction.atomic():
        # In the order of their keys, so that two merges at once can't wait for each other.
        rows = {
            row.pk: row
            for row in Holder.objects.select_for_update().filter(pk__in=[duplicate.pk, into.pk]).order_by("pk")
        }
        gone, kept = rows[duplicate.pk], rows[into.pk]
        if gone.removed_at is not None or kept.removed_at is not None:
            return False
        _fill(kept, {name: getattr(gone, name) for name in NOTED})
        kept.last_used_at = max(kept.last_used_at, gone.last_used_at)
        kept.save()
        _move_standing(gone, kept, by=by)
        Holder.objects.filter(merged_into=gone).update(merged_into=kept)
        gone.removed_at, gone.merged_into = timezone.now(), kept
        gone.save(update_fields=["removed_at", "merged_into"])
        record_event(HolderEvent.MERGED, subject=kept, by=by, duplicate=gone.public_id)
    return True


def _move_standing(gone: Holder, kept: Holder, *, by: User) -> None:
    """Move the arrangements; where both have one for the same policy and insured, the switches of both are on."""
    there = {(row.policy_id, row.insured_id): row for row in OwnStandingHolder.objects.not_ended().filter(holder=kept)}
    for row in OwnStandingHolder.objects.select_for_update().filter(holder=gone, ended_at=None):
        twin = there.get((row.policy_id, row.insured_id))
        if twin is None:
            row.holder = kept
            row.save(update_fields=["holder"])
            continue
        for name in SWITCHES:
            setattr(twin, name, getattr(twin, name) or getattr(row, name))
        twin.save(update_fields=SWITCHES)
        row.ended_at, row.ended_by = timezone.now(), by
        row.save(update_fields=["ended_at", "ended_by"])


@dataclass(frozen=True)
class Similar:
    """A holder that looks like the one that was typed. `on_file`: it is on file with the carrier, not in the book."""

    holder: Holder | CarrierHolder
    on_file: bool = False


def similar_to(
    name: str, zip_code: str, *, memberships: Sequence[Membership], user: User, but: Holder | None = None
) -> list[Similar]:
    """Return holders that look like this one, the nearest first: in the books of these memberships, and on file. Two
    queries.

    Names are alike if they share half of their words, common ones such as 'hospital' left out; with the same ZIP code,
    one word is enough.
    """
    words = fold(name).split()
    telling = [word for word in words if word not in COMMON and len(word) > 1]
    zip5 = "".join(character for character in zip_code if character.isdigit())[:5]
    if not telling:
        return []
    near = Q(search=query_of(" | ".join(sorted(set(telling)))))
    if len(zip5) == 5:
        near |= Q(zip__startswith=zip5)
    own = Holder.objects.in_books_of(memberships).filter(near).order_by("pk")
    rows: list[Holder | CarrierHolder] = list(own.exclude(pk=but.pk)[:LOOKED_AT] if but else own[:LOOKED_AT])
    prints = {row.fingerprint for row in rows} | ({but.fingerprint} if but else set())
    on_file = CarrierHolder.objects.visible_to(user).filter(near).order_by("pk")[:LOOKED_AT]
    rows += [row for row in on_file if row.fingerprint not in prints]
    scored = [(_alike(set(telling), row, zip5), row) for row in rows]
    found = sorted(((score, row) for score, row in scored if score), key=lambda one: (-one[0], one[1].name, one[1].pk))
    return [Similar(row, isinstance(row, CarrierHolder)) for _, row in found[:MOST_SIMILAR]]


def _alike(telling: set[str], row: Holder | CarrierHolder, zip5: str) -> float:
    """Return how alike they are, from 0 (not alike) to 2."""
    other = {word for word in row.search_name.split() if word not in COMMON and len(word) > 1}
    shared = len(telling & other)
    if not shared:
        return 0
    share = shared / max(1, len(telling | other))
    nearby = bool(zip5) and row.zip.startswith(zip5)
    return share + nearby if share >= ALIKE or nearby else 0


def _fill(holder: Holder, noted: dict[str, Any]) -> None:
    """Note on a holder what it doesn't have yet."""
    for name in NOTED:
        if not getattr(holder, name):
            setattr(holder, name, noted[name])


def _party(holder: Holder) -> tuple[int | None, int | None, int | None]:
    return holder.insured_id, holder.policyholder_id, holder.agency_id


def _same(holder: Holder) -> Holder:
    insured, policyholder, agency = _party(holder)
    others = Holder.objects.exclude(pk=holder.pk).filter(fingerprint=holder.fingerprint)
    return others.get(insured=insured, policyholder=policyholder, agency=agency)

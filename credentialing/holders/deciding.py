"""What staff decide about a request, and what that does (S-38).

add            the holder is in the party's address book and, with a switch on, a standing holder
change         the feed's arrangement ends, and the party has one of its own with the holder as it is to be
remove         the feed's arrangement ends
claims access  the membership that asked may have claims histories; each still needs the insured's authorization
document       only the words of staff
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from core.dates import carrier_today
from core.events import record_event
from credentialing import emails
from credentialing.events import HolderEvent
from credentialing.holders import arranging, book
from credentialing.holders.book import SWITCHES
from credentialing.models import HolderMessage, HolderRequest, StandingHolder
from policies.events import PolicyEvent
from policies.models import Membership
from policies.roles import Capability

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from accounts.models import User

__all__ = ["SWITCHES", "NotPossibleError", "decide", "merge", "others_of"]

KIND, STATUS = HolderRequest.Kind, HolderRequest.Status


class NotPossibleError(Exception):
    """What was asked for can't be done any more; the message says why, for staff."""


def decide(
    asked: HolderRequest,
    *,
    accepts: bool,
    text: str,
    by: User,
    key: uuid.UUID,
    switches: Mapping[str, bool] | None = None,
) -> bool:
    """Accept or decline a request, with words for the customer; what is accepted takes effect in the same transaction.
    Returns False where it has come to its end already. Raises `NotPossibleError`, and then decides nothing.

    `switches`: what a holder gets, where staff chose otherwise than the customer.
    """
    with transaction.atomic():
        locked = HolderRequest.objects.select_for_update().get(pk=asked.pk)
        if locked.is_closed:
            return False
        if accepts:
            _take_effect(locked, by=by, switches={**locked.switches, **(switches or {})})
        now = timezone.now()
        locked.status = STATUS.DONE if accepts else STATUS.DECLINED
        locked.decided_at, locked.decided_by = now, by
        locked.assigned_to = locked.assigned_to or by
        locked.acted_at = locked.changed_at = now
        locked.save()
        HolderMessage.objects.create(
            request=locked, author=by, from_staff=True, text=text, sent_at=now, idempotency_key=key
        )
        tag = HolderEvent.REQUEST_DONE if accepts else HolderEvent.REQUEST_DECLINED
        record_event(
            tag, subject=locked, by=by, on_behalf_of=locked.user, kind=locked.kind, overdue=locked.due_at < now
        )
        emails.holder_request_decided(locked)
    return True


def others_of(asked: HolderRequest) -> QuerySet[HolderRequest]:
    """Return the other requests of the same party that haven't come to their end."""
    by = asked.membership
    party = {f"membership__{name}": getattr(by, name) for name in ("insured_id", "policyholder_id", "agency_id")}
    rows: QuerySet[HolderRequest] = HolderRequest.objects.filter(**party).exclude(pk=asked.pk)
    return rows.exclude(status__in=HolderRequest.ENDED).select_related("policy", "standing__holder")


def merge(duplicate: HolderRequest, *, into: HolderRequest, by: User) -> bool:
    """Close a request as the same matter as another one of its party, which goes on. False where either has ended."""
    if duplicate.pk == into.pk or duplicate.membership.party_key != into.membership.party_key:
        raise NotPossibleError("Only two requests of the same customer can be merged.")
    with transaction.atomic():
        rows = {
            row.pk: row
            for row in HolderRequest.objects.select_for_update().filter(pk__in=[duplicate.pk, into.pk]).order_by("pk")
        }
        gone, kept = rows[duplicate.pk], rows[into.pk]
        if gone.is_closed or kept.is_closed:
            return False
        gone.status, gone.same_as = STATUS.CLOSED, kept
        # Who asked first doesn't wait longer because the other one goes on.
        kept.due_at = min(kept.due_at, gone.due_at)
        gone.acted_at = gone.changed_at = timezone.now()
        gone.save(update_fields=["status", "same_as", "acted_at", "changed_at"])
        kept.save(update_fields=["due_at"])
        record_event(HolderEvent.REQUEST_CLOSED, subject=gone, by=by, on_behalf_of=gone.user, into=kept.public_id)
        gone.tell("request_closed")
    return True


def _take_effect(asked: HolderRequest, *, by: User, switches: Mapping[str, bool]) -> None:
    if not asked.membership.is_in_effect(carrier_today()):
        raise NotPossibleError("The customer’s access has ended. Decline the request.")
    if asked.kind in (KIND.CHANGE, KIND.REMOVE):
        _end(asked, by=by)
    if asked.kind in HolderRequest.WITH_HOLDER:
        _arrange(asked, by=by, switches=switches)
    if asked.kind == KIND.CLAIMS_ACCESS:
        _open_claims(asked, by=by)


def _end(asked: HolderRequest, *, by: User) -> None:
    """End the feed's arrangement. No load brings it back."""
    assert asked.standing is not None  # noqa: S101  # the constraint credentialing_holderrequest_target
    open_rows = StandingHolder.objects.filter(pk=asked.standing.pk, ended_at=None)
    if not open_rows.update(ended_at=timezone.now(), ended_by=by):
        raise NotPossibleError("The standing holder has ended meanwhile.")
    record_event(HolderEvent.STANDING_ENDED, subject=asked.standing, by=by, on_behalf_of=asked.user)


def _arrange(asked: HolderRequest, *, by: User, switches: Mapping[str, bool]) -> None:
    typed = asked.typed | {"email": asked.email}
    holder = book.put(by=asked.user, membership=asked.membership, typed=typed)
    if asked.email and not holder.email:
        holder.email = asked.email
        holder.save(update_fields=["email"])
    if any(switches.values()):
        asked.made, _ = arranging.arrange(
            holder=holder,
            policy=asked.policy,
            insured=asked.insured,
            switches=dict(switches),
            by=by,
            membership=asked.membership,
        )


def _open_claims(asked: HolderRequest, *, by: User) -> None:
    """Grant the switch of the membership. A history of someone else still needs the insured's authorization."""
    membership = Membership.objects.select_for_update().get(pk=asked.membership_id)
    if membership.given_under_id is not None:
        raise NotPossibleError("This is a delegate. An administrator of the customer gives it.")
    before = list(membership.capabilities)
    if Capability.VIEW_CLAIMS_HISTORY in before:
        return
    membership.capabilities = [*before, Capability.VIEW_CLAIMS_HISTORY.value]
    membership.kept_by_hand = True
    membership.save(update_fields=["capabilities", "kept_by_hand"])
    values = {"capabilities": {"from": before, "to": membership.capabilities}}
    record_event(
        PolicyEvent.MEMBERSHIP_CHANGED,
        subject=membership,
        by=by,
        on_behalf_of=asked.user,
        values=values,
        **membership.facts(),
    )

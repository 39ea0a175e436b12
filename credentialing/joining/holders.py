"""Holders chosen ahead for someone who joins, and their certificates once our records have the coverage (B-17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from core import work
from core.crypto import keyed_hash
from core.events import record_event
from credentialing.events import HolderEvent
from credentialing.holders.arranging import arrange
from credentialing.models import Holder, JoinerHolder, StandingIssue
from policies.models import ChangeItem, ChangeRequest, Coverage
from policies.names import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.db.models import QuerySet

    from accounts.models import User
    from policies.models import Insured

KIND = "add_insured"
UNDONE = (ChangeRequest.Status.DRAFT, ChangeRequest.Status.DECLINED, ChangeRequest.Status.WITHDRAWN)
GETS = {"renewals": True, "notices": True, "claims_history": False}


def choosable(asked: ChangeRequest) -> QuerySet[Holder]:
    """Return the address book of the party that sent the request."""
    return Holder.objects.in_books_of([asked.membership]).order_by("search_name", "pk")


def choose(*, asked: ChangeRequest, holders: Collection[Holder], by: User) -> None:
    """Keep which holders get the joiner's certificate. Those that have their arrangement already stay."""
    with transaction.atomic():
        ChangeRequest.objects.select_for_update().get(pk=asked.pk)
        chosen = {holder.pk for holder in holders}
        rows = JoinerHolder.objects.filter(request=asked)
        rows.filter(standing=None).exclude(holder__in=chosen).delete()
        there = set(rows.values_list("holder_id", flat=True))
        new = [JoinerHolder(request=asked, holder=each, chosen_by=by) for each in holders if each.pk not in there]
        JoinerHolder.objects.bulk_create(new)
        record_event(HolderEvent.CHOSEN_AHEAD, subject=asked, by=by, holders=len(chosen))


def begun(payload: Mapping[str, Any], *, key: str) -> None:
    """Handle coverage of someone new: their holders become standing ones, and get the certificate at once. Twice is
    once."""
    rows = Coverage.objects.not_retired().select_related("term__policy", "insured")
    coverage = rows.filter(public_id=payload["coverage"]).first()
    if coverage is None:
        return
    with transaction.atomic():
        waiting = JoinerHolder.objects.select_for_update(of=("self",)).filter(
            request__policy=coverage.term.policy_id, request__kind=KIND, standing=None, holder__removed_at=None
        )
        waiting = waiting.exclude(request__status__in=UNDONE).select_related(
            "request__membership", "request__user", "holder"
        )
        found = [row for row in waiting if _is_about(row.request, coverage.insured)]
        for row in found:
            row.standing, _ = arrange(
                holder=row.holder,
                policy=coverage.term.policy,
                insured=coverage.insured,
                switches=GETS,
                by=row.chosen_by,
                membership=row.request.membership,
            )
            row.save(update_fields=["standing"])
        if found:
            issue, is_new = StandingIssue.objects.get_or_create(
                key=f"joiner:{coverage.public_id}",
                defaults={
                    "reason": StandingIssue.Reason.JOINER,
                    "policy_id": coverage.term.policy_id,
                    "term": coverage.term,
                },
            )
            if is_new:
                work.hand_over(issue)


def arrangements_in(term_id: int) -> dict[int, set[str]]:
    """Return the keys of the arrangements that were chosen ahead, by the insured who joined the policy of a term."""
    rows = JoinerHolder.objects.filter(request__policy__terms=term_id, standing__isnull=False)
    found: dict[int, set[str]] = {}
    for insured_id, public_id in rows.values_list("standing__insured_id", "standing__public_id"):
        if insured_id is not None:
            found.setdefault(insured_id, set()).add(f"own:{public_id}")
    return found


def _is_about(asked: ChangeRequest, insured: Insured) -> bool:
    """Whether the request was to add this person: by NPI, else by name and date of birth."""
    item = ChangeItem.objects.filter(request=asked).first()
    if item is None:
        return False
    answers = item.answers
    if answers.get("npi") and insured.npi:
        return bool(answers["npi"] == insured.npi)
    born = str(item.sealed.get("answers", {}).get("date_of_birth") or "")
    names = (answers.get("first_name", ""), answers.get("last_name", ""))
    same_name = [fold(name) for name in names] == [fold(insured.first_name), fold(insured.last_name)]
    return same_name and bool(born) and keyed_hash("date_of_birth", born) == insured.date_of_birth_hash

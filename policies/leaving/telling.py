"""Mails to someone who leaves: that we were asked to end their coverage, and that a tail is offered (B-17).

They go to the person's own accounts, and to the address that the request gives for after they leave: what the group has
on file is soon somebody else's to read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from accounts.models import User
from policies import emails
from policies.models import ChangeItem, ChangeRequest, Company, Coverage

if TYPE_CHECKING:
    from policies.models import Insured

KIND = "remove_insured"
# Nobody writes to them.
DIED = "died"


def submitted(payload: Mapping[str, Any], *, key: str) -> None:
    """Tell a person that we were asked to end their coverage. Twice is once: the key of the mail is the request."""
    item = _items().filter(request__public_id=payload["request"], request__kind=KIND).first()
    if item is None or item.request.effective is None or item.answers.get("reason") == DIED:
        return
    for to in _addresses(item):
        emails.leaver_told(to, effective=item.request.effective, key=f"{item.request.public_id}:{to}")


def offered(payload: Mapping[str, Any], *, key: str) -> None:
    """Tell a person who left that a tail is offered: once for each coverage and last day to decide."""
    coverage = Coverage.objects.not_retired().filter(public_id=payload["coverage"])
    found = coverage.select_related("term__policy__company", "insured").first()
    if found is None or not found.term.policy.company.offers(Company.Service.ERE):
        return
    asked = _items().filter(request__kind=KIND, request__policy=found.term.policy_id, insured=found.insured_id)
    item = asked.exclude(request__status__in=UNDONE).order_by("-request__submitted_at").first()
    if item is None or item.answers.get("reason") == DIED:
        return
    decide_by = payload.get("decide_by")
    day = dt.date.fromisoformat(decide_by) if decide_by else None
    for to in _addresses(item):
        emails.tail_offered(to, decide_by=day, key=f"{found.public_id}:{decide_by or ''}:{to}")


UNDONE = (ChangeRequest.Status.DRAFT, ChangeRequest.Status.DECLINED, ChangeRequest.Status.WITHDRAWN)


def _items() -> Any:
    return ChangeItem.objects.filter(insured__isnull=False).select_related("request", "insured")


def _addresses(item: ChangeItem) -> list[str]:
    """Return where the person reads mail, each once: the address for after they leave, and their accounts'; what we
    have on file only where there is neither."""
    given = str(item.answers.get("forwarding_email") or "")
    found = [given, *_of_accounts(item.insured)] if item.insured else [given]
    own = list({to.lower(): to for to in found if to}.values())
    return own or ([item.insured.email] if item.insured and item.insured.email else [])


def _of_accounts(insured: Insured) -> list[str]:
    users = User.objects.filter(
        is_active=True, memberships__insured=insured, memberships__revoked_at=None, memberships__given_under=None
    )
    return list(users.order_by("pk").values_list("email", flat=True).distinct())
